using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet.Gradient;

/// <summary>One evaluation by a <see cref="CheckpointedUNet"/>, whose gradient can be computed once.</summary>
internal sealed class CheckpointedPass : IDisposable
{
    private readonly Tensor embedding;
    // The text, the leaf of all links' gradients.
    private readonly Tensor context;
    private readonly UNetCall call;
    private readonly bool recompute;
    private readonly VectorPath? path;
    private readonly Stack<Segment> segments = [];
    private Tensor? output;

    internal CheckpointedPass(Tensor embedding, Tensor context, UNetCall call, bool recompute, VectorPath? path)
    {
        this.embedding = embedding.alias().DetachFromDisposeScope();
        this.context = context.detach().requires_grad_(true).DetachFromDisposeScope();
        this.call = call;
        this.recompute = recompute;
        this.path = path;
    }

    /// <summary>The U-Net's prediction, [rows, out channels, h, w], without a gradient graph. Owned by the pass.</summary>
    public Tensor Output => output ?? throw new ObjectDisposedException(nameof(CheckpointedPass));

    /// <summary>
    /// Computes the gradient of a scalar loss with respect to the conditioning (a vector-Jacobian product). It can be called once, because it
    /// frees the stored data, and only while the U-Net of the pass is not disposed.
    /// </summary>
    /// <param name="outputGradient">Gradient of the loss with respect to <see cref="Output"/>, of its shape and any floating-point type.</param>
    /// <returns>Float32 gradients: of the text, [rows, tokens, cross-attention width], and, if requested, of the vector, [rows, width].</returns>
    public Conditioning Backward(Tensor outputGradient)
    {
        if (segments.Count == 0)
            throw new InvalidOperationException("The gradient of this pass was already computed, or the pass is disposed.");
        using var scope = NewDisposeScope();
        var total = zeros(context.shape, dtype: ScalarType.Float32, device: context.device);
        var embeddingTotal = path is null ? null : zeros(embedding.shape, dtype: ScalarType.Float32, device: embedding.device);
        var gradient = outputGradient.to(Output.dtype);
        var skips = new Stack<Tensor>();
        while (segments.TryPop(out var segment))
        {
            using var owned = segment;
            using var inner = NewDisposeScope();
            if (segment.Link.Keeps)
                gradient = gradient.Plus(skips.Pop());
            var (toInput, toContext, toEmbedding) = Differentiate(segment, gradient);
            if (toContext is not null)
                total.AddInPlace(toContext);
            if (toEmbedding is not null)
                embeddingTotal!.AddInPlace(toEmbedding);
            if (toInput is null)
                break;
            gradient = (segment.Link.Joins ? toInput.narrow(1, 0, segment.OwnChannels) : toInput).MoveToOuterDisposeScope();
            if (segment.Link.Joins)
                skips.Push(toInput.narrow(1, segment.OwnChannels, toInput.shape[1] - segment.OwnChannels).MoveToOuterDisposeScope());
        }

        return new Conditioning(total, embeddingTotal is null ? null : path!.Backward(embeddingTotal)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        output?.Dispose();
        output = null;
        while (segments.TryPop(out var segment))
            segment.Dispose();
        context.Dispose();
        embedding.Dispose();
    }

    /// <summary>Runs the links. The first one must read a differentiated input, because gradients stop there.</summary>
    internal void Run(IEnumerable<UNetLink> chain, Tensor start, IEnumerable<Tensor> startKept)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var kept = new Stack<Tensor>(startKept);
        var x = start.alias();
        foreach (var link in chain)
        {
            using var inner = NewDisposeScope();
            var input = link.Joins ? cat([x, kept.Pop()], 1) : x;
            var segment = new Segment(link, input, x.shape[1], first: segments.Count == 0, link.ReadsText ? context : null, path is null ? null : embedding);
            segments.Push(segment);
            if (recompute)
            {
                x = Evaluate(segment);
            }
            else
            {
                using var graph = enable_grad();
                segment.Output = Evaluate(segment).DetachFromDisposeScope();
                x = segment.Output.detach();
            }

            x.MoveToOuterDisposeScope();
            if (link.Keeps)
                kept.Push(x);
        }

        output = x.DetachFromDisposeScope();
    }

    private Tensor Evaluate(Segment segment) => segment.Link.Run(segment.Input, segment.Embedding ?? embedding, context, call);

    // Gradients with respect to a link's input (null for the first link, whose input does not depend on the conditioning), and to the text
    // and the embedding if the link reads them.
    private (Tensor? Input, Tensor? Context, Tensor? Embedding) Differentiate(Segment segment, Tensor outputGradient)
    {
        using var graph = enable_grad();
        var value = segment.Output ?? Evaluate(segment);
        Tensor?[] leaves = [segment.Input.requires_grad ? segment.Input : null, segment.Context, segment.Embedding];
        var gradients = new Queue<Tensor>(autograd.grad([value], [.. leaves.OfType<Tensor>()], [outputGradient]));
        return (Of(leaves[0]), Of(leaves[1]), Of(leaves[2]));

        Tensor? Of(Tensor? leaf) => leaf is null ? null : gradients.Dequeue();
    }

    /// <summary>A link after its forward pass, with the leaves of its gradient and, unless it will be recomputed, its output and graph.</summary>
    private sealed class Segment : IDisposable
    {
        /// <param name="link">The link.</param>
        /// <param name="input">Its input, without a graph. The segment takes ownership.</param>
        /// <param name="ownChannels">Number of input channels from the previous link.</param>
        /// <param name="first">Whether it is the first, whose input needs no gradient.</param>
        /// <param name="context">The text, if the link reads it.</param>
        /// <param name="embedding">The embedding, if its gradient is needed.</param>
        public Segment(UNetLink link, Tensor input, long ownChannels, bool first, Tensor? context, Tensor? embedding)
        {
            Link = link;
            OwnChannels = ownChannels;
            Input = input.DetachFromDisposeScope();
            Input.requires_grad = !first;
            Context = context;
            Embedding = link.ReadsEmbedding && embedding is not null ? embedding.detach().requires_grad_(true).DetachFromDisposeScope() : null;
        }

        public UNetLink Link { get; }

        public Tensor Input { get; }

        /// <summary>Number of input channels from the previous link; the rest comes from a skip connection.</summary>
        public long OwnChannels { get; }

        public Tensor? Context { get; }

        public Tensor? Embedding { get; }

        public Tensor? Output { get; set; }

        public void Dispose()
        {
            Output?.Dispose();
            Input.Dispose();
            Embedding?.Dispose();
        }
    }
}
