using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Gradient;
using PromptToPrompt.Editing.Inversion;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>
/// The diffusion training loss as a function of a word's vectors (Gal et al. 2022, arXiv 2208.01618, equation 2): the mean squared error
/// of the network's prediction.
/// </summary>
/// <param name="model">The model; its weights get no gradients.</param>
/// <param name="clipSkip">Number of final text encoder layers to skip.</param>
/// <param name="saveMemory">Whether the backward pass recomputes activations; null if they are large.</param>
internal sealed class TextualInversionLoss(StableDiffusionModel model, int clipSkip, bool? saveMemory)
{
    /// <summary>Computes the loss.</summary>
    public double Of(IReadOnlyList<Tensor> vectors, TextualInversionBatch batch)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        // Encode the text first: a model may hold only one part in memory at a time.
        var text = Read(vectors, batch);
        var predicted = model.UNet.Forward(batch.Noisy.to(model.Dtype), batch.Timesteps, text);
        return Error(predicted, batch).Squared().mean().ReadDouble();
    }

    /// <summary>Computes the loss and its gradient with respect to each text encoder's vectors: float32, same shapes.</summary>
    public (double Loss, IReadOnlyList<Tensor> Gradients) Differentiate(IReadOnlyList<Tensor> vectors, TextualInversionBatch batch)
    {
        using var _ = enable_grad();
        using var scope = NewDisposeScope();
        var leaves = vectors.Select(rows => rows.detach().requires_grad_(true)).ToList();
        var text = Read(leaves, batch);
        var (loss, toText) = ThroughNetwork(batch, text);
        // Autograd handles the rest: from the text back through the text encoders, which are small.
        var (outputs, gradients) = text.Vector is { } vector
            ? ((Tensor[])[text.Text, vector], (Tensor[])[toText.Text, toText.Vector!])
            : ([text.Text], [toText.Text]);
        var found = autograd.grad([.. outputs], leaves, [.. gradients.Zip(outputs, (gradient, output) => gradient.to(output.dtype))]);
        return (loss, [.. found.Select(gradient => GradientScale.Down(gradient).detach().MoveToOuterDisposeScope())]);
    }

    private (double Loss, Conditioning Gradient) ThroughNetwork(TextualInversionBatch batch, Conditioning text)
    {
        using var _ = no_grad();
        using var input = batch.Noisy.to(model.Dtype, copy: true);
        using var network = new DifferentiableUNet(
            model.UNet, input, batch.Timesteps, text.Vector?.detach(), recompute: saveMemory, differentiateVector: true);
        using var pass = network.Forward(text.Text.detach());
        var error = Error(pass.Output, batch);
        return (error.Squared().mean().ReadDouble(), pass.Backward(GradientScale.Up(error * Scalar(2.0 / error.numel()))));
    }

    private Conditioning Read(IReadOnlyList<Tensor> vectors, TextualInversionBatch batch) => TextConditioning.EncodeWith(model, batch.Prompts, vectors, batch.Sizes, clipSkip);

    private static Tensor Error(Tensor predicted, TextualInversionBatch batch) => predicted.to(ScalarType.Float32) - batch.Target;
}
