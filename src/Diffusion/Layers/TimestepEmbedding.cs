using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Layers;

/// <summary>Sinusoids of the timestep followed by a two-layer perceptron: [B] → [B, embedding].</summary>
/// <remarks>Frequencies fall geometrically from 1 to 1/10000 (Vaswani et al., arXiv 1706.03762, §3.5).</remarks>
internal sealed class TimestepEmbedding(WeightScope weights, int channels, int embedding, bool cosineFirst, double frequencyShift)
{
    private readonly Linear first = new(weights["linear_1"], channels, embedding);
    private readonly Linear second = new(weights["linear_2"], embedding, embedding);

    public Tensor Forward(Tensor timesteps, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var half = channels / 2;
        var exponent = arange(half, dtype: ScalarType.Float32, device: timesteps.device) * (-Math.Log(10000) / (half - frequencyShift));
        var angles = timesteps.to(ScalarType.Float32).unsqueeze(1) * exponent.exp().unsqueeze(0);
        var waves = cosineFirst ? cat([angles.cos(), angles.sin()], 1) : cat([angles.sin(), angles.cos()], 1);
        var hidden = Activations.Silu(first.Forward(waves.to(dtype)));
        return second.Forward(hidden).MoveToOuterDisposeScope();
    }
}
