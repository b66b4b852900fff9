using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet.Gradient;

/// <summary>One evaluation by a <see cref="DifferentiableUNet"/>, whose gradient can be computed once.</summary>
internal abstract class GradientPass : IDisposable
{
    private readonly VectorPath? path;

    /// <param name="embedding">The activated embedding.</param>
    /// <param name="context">The text.</param>
    /// <param name="call">The context of the evaluation.</param>
    /// <param name="path">The path from the added conditioning to the embedding, if its gradient is wanted.</param>
    protected GradientPass(Tensor embedding, Tensor context, UNetCall call, VectorPath? path)
    {
        Embedding = embedding.alias().DetachFromDisposeScope();
        Context = context.detach().DetachFromDisposeScope();
        Call = call;
        this.path = path;
    }

    /// <summary>The U-Net's prediction, [rows, out channels, h, w], without a gradient graph. Owned by the pass.</summary>
    public Tensor Output => Prediction ?? throw new ObjectDisposedException(nameof(GradientPass));

    /// <summary>The activated embedding, without a gradient graph.</summary>
    protected Tensor Embedding { get; }

    /// <summary>The text, without a gradient graph.</summary>
    protected Tensor Context { get; }

    /// <summary>The context of the evaluation.</summary>
    protected UNetCall Call { get; }

    /// <summary>Whether the gradient with respect to the embedding is wanted.</summary>
    protected bool DifferentiatesEmbedding => path is not null;

    /// <summary><see cref="Output"/>; null before the evaluation and after <see cref="Dispose"/>.</summary>
    protected Tensor? Prediction { get; set; }

    /// <summary>Whether there is data for the gradient.</summary>
    protected abstract bool HasGraph { get; }

    /// <summary>
    /// Computes the gradient of a scalar loss with respect to the conditioning (a vector-Jacobian product). It can be called once, because it
    /// frees the stored data, and only while the U-Net of the pass is not disposed.
    /// </summary>
    /// <param name="outputGradient">Gradient of the loss with respect to <see cref="Output"/>, of its shape and any floating-point type.</param>
    /// <returns>Float32 gradients: of the text, [rows, tokens, cross-attention width], and, if requested, of the vector, [rows, width].</returns>
    public Conditioning Backward(Tensor outputGradient)
    {
        if (!HasGraph)
            throw new InvalidOperationException("The gradient of this pass was already computed, or the pass is disposed.");
        using var scope = NewDisposeScope();
        // In float32, whatever the type of the model: many layers add to it.
        var text = zeros(Context.shape, dtype: ScalarType.Float32, device: Context.device);
        var ofEmbedding = path is null ? null : zeros(Embedding.shape, dtype: ScalarType.Float32, device: Embedding.device);
        Accumulate(outputGradient.to(Output.dtype), text, ofEmbedding);
        return new Conditioning(text, ofEmbedding is null ? null : path!.Backward(ofEmbedding)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        Prediction?.Dispose();
        Prediction = null;
        Context.Dispose();
        Embedding.Dispose();
    }

    /// <summary>Runs the links. The first one must read a differentiated input, because gradients stop there.</summary>
    /// <param name="chain">The links.</param>
    /// <param name="start">Input of the first one; the caller disposes it.</param>
    /// <param name="kept">Saved outputs of earlier links, the latest on top. The pass takes ownership.</param>
    internal abstract void Run(IEnumerable<UNetLink> chain, Tensor start, Stack<Tensor> kept);

    /// <summary>Adds the gradient of each link to the totals, and frees the data it was computed from.</summary>
    /// <param name="gradient">The gradient of the output, in its type.</param>
    /// <param name="text">The gradient of the text.</param>
    /// <param name="embedding">The gradient of the embedding; null if it is not wanted.</param>
    protected abstract void Accumulate(Tensor gradient, Tensor text, Tensor? embedding);
}
