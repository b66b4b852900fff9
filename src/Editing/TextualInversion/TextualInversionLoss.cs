using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Gradient;
using PromptToPrompt.Editing.Inversion;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>
/// The loss that diffusion models are trained with, as a function of a word's vectors alone (Gal et al. 2022, arXiv 2208.01618, equation 2): the
/// mean squared distance of what the network predicts from what it should.
/// </summary>
/// <param name="model">The model; none of its weights gets a gradient.</param>
/// <param name="clipSkip">How many of the text encoder's last layers are left out.</param>
/// <param name="saveMemory">Whether activations are computed again in the backward pass; null: where they are large.</param>
internal sealed class TextualInversionLoss(StableDiffusionModel model, int clipSkip, bool? saveMemory)
{
    /// <summary>The loss.</summary>
    public double Of(IReadOnlyList<Tensor> vectors, TextualInversionBatch batch)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        // The text first: a model may have one part in memory at a time.
        var text = Read(vectors, batch);
        var predicted = model.UNet.Forward(batch.Noisy.to(model.Dtype), batch.Timesteps, text);
        return Error(predicted, batch).Squared().mean().ReadDouble();
    }

    /// <summary>The loss and its gradient with respect to the vectors of each text encoder, float32 and of their shapes.</summary>
    public (double Loss, IReadOnlyList<Tensor> Gradients) Differentiate(IReadOnlyList<Tensor> vectors, TextualInversionBatch batch)
    {
        using var _ = enable_grad();
        using var scope = NewDisposeScope();
        var leaves = vectors.Select(rows => rows.detach().requires_grad_(true)).ToList();
        var text = Read(leaves, batch);
        var (loss, toText) = ThroughNetwork(batch, text);
        // Autograd takes it from here: from the text back through the encoders, which are small.
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
        using var network = new CheckpointedUNet(
            model.UNet, input, batch.Timesteps, text.Vector?.detach(), recompute: saveMemory, differentiateVector: true);
        using var pass = network.Forward(text.Text.detach());
        var error = Error(pass.Output, batch);
        return (error.Squared().mean().ReadDouble(), pass.Backward(GradientScale.Up(error * Scalar(2.0 / error.numel()))));
    }

    private Conditioning Read(IReadOnlyList<Tensor> vectors, TextualInversionBatch batch) => TextConditioning.EncodeWith(model, batch.Prompts, vectors, batch.Sizes, clipSkip);

    private static Tensor Error(Tensor predicted, TextualInversionBatch batch) => predicted.to(ScalarType.Float32) - batch.Target;
}
