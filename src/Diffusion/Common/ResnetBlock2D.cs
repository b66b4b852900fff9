using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>Two normalized convolutions with a shortcut; used by the U-Net (with a timestep embedding) and the autoencoder (without).</summary>
internal sealed class ResnetBlock2D(WeightScope weights, int inputs, int outputs, int groups, double epsilon, int? embedding = null)
{
    private readonly GroupNorm norm1 = new(weights["norm1"], inputs, groups, epsilon);
    private readonly Conv2d conv1 = new(weights["conv1"], inputs, outputs, 3, padding: 1);
    private readonly Linear? timeProjection = embedding is { } e ? new(weights["time_emb_proj"], e, outputs) : null;
    private readonly GroupNorm norm2 = new(weights["norm2"], outputs, groups, epsilon);
    private readonly Conv2d conv2 = new(weights["conv2"], outputs, outputs, 3, padding: 1);
    private readonly Conv2d? shortcut = inputs == outputs ? null : new(weights["conv_shortcut"], inputs, outputs, 1);

    /// <summary>[B, inputs, H, W] → [B, outputs, H, W], without an embedding.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor features;
        using (var hidden = Convolve(norm1, conv1, x))
            features = Convolve(norm2, conv2, hidden);
        return Add(x, features).MoveToOuterDisposeScope();
    }

    /// <summary>What the block adds to its input: [B, inputs, H, W] and <see cref="Bias"/> of the embedding → [B, outputs, H, W].</summary>
    public Tensor Features(Tensor x, Tensor bias)
    {
        using var scope = NewDisposeScope();
        var ofAllRows = bias.dim() == 1 ? bias : bias.shape[0] == 1 ? bias.squeeze(0) : null;
        using var hidden = Convolve(norm1, conv1, x, ofAllRows);
        if (ofAllRows is null)
            hidden.AddInPlace(bias.unsqueeze(-1).unsqueeze(-1));
        return Convolve(norm2, conv2, hidden).MoveToOuterDisposeScope();
    }

    /// <summary>The block's output, from its input and its <see cref="Features"/>, which it overwrites.</summary>
    public Tensor Add(Tensor x, Tensor features) => features.AddInPlace(shortcut is null ? x : shortcut.Forward(x));

    /// <summary>The bias of the first convolution: its own plus the projected embedding, [..., embedding] → [..., outputs].</summary>
    public Tensor Bias(Tensor embedding) => conv1.BiasPlus(timeProjection!.Forward(embedding));

    // Intermediate results are freed immediately: in the autoencoder, one feature map of a large image takes a gigabyte.
    private static Tensor Convolve(GroupNorm norm, Conv2d conv, Tensor x)
    {
        using var activated = norm.ForwardSilu(x);
        return conv.Forward(activated);
    }

    private static Tensor Convolve(GroupNorm norm, Conv2d conv, Tensor x, Tensor? bias)
    {
        using var activated = norm.ForwardSilu(x);
        return conv.Forward(activated, bias);
    }
}
