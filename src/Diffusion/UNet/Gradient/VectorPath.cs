using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet.Gradient;

/// <summary>The path from the added conditioning to the residual blocks' embedding. It is recomputed for the gradient, because it is short.</summary>
internal sealed class VectorPath(UNet2DConditionModel unet, Tensor timesteps, Tensor vector, ScalarType dtype) : IDisposable
{
    private readonly Tensor timesteps = timesteps.alias().DetachFromDisposeScope();
    private readonly Tensor vector = vector.detach().DetachFromDisposeScope();

    /// <summary>Converts a gradient with respect to the embedding to one with respect to the vector: float32, of the vector's shape.</summary>
    public Tensor Backward(Tensor embeddingGradient)
    {
        using var graph = enable_grad();
        using var scope = NewDisposeScope();
        var leaf = vector.detach().requires_grad_(true);
        var embedding = unet.Embed(timesteps, leaf, dtype);
        return autograd.grad([embedding], [leaf], [embeddingGradient.to(embedding.dtype)])[0].to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        timesteps.Dispose();
        vector.Dispose();
    }
}
