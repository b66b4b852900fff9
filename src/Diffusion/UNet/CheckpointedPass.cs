using PromptToPrompt.Diffusion.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>One evaluation by a <see cref="CheckpointedUNet"/> and, once, its gradient.</summary>
public sealed class CheckpointedPass : IDisposable
{
    private readonly Tensor embedding;
    private readonly Tensor context;
    private readonly UNetCall call;
    private readonly bool recompute;
    private readonly Stack<Segment> segments = [];
    private Tensor? output;

    internal CheckpointedPass(Tensor embedding, Tensor context, UNetCall call, bool recompute)
    {
        this.embedding = embedding.alias().DetachFromDisposeScope();
        this.context = context.detach().DetachFromDisposeScope();
        this.call = call;
        this.recompute = recompute;
    }

    /// <summary>What the U-Net predicts, [rows, out channels, h, w], without a gradient graph. Belongs to the pass.</summary>
    public Tensor Output => output ?? throw new ObjectDisposedException(nameof(CheckpointedPass));

    /// <summary>
    /// The gradient of a scalar loss with respect to the text (a vector-Jacobian product). It can be asked for once, since it frees what it
    /// used.
    /// </summary>
    /// <param name="outputGradient">Gradient of the loss with respect to <see cref="Output"/>, of its shape and any floating-point type.</param>
    /// <returns>Float32, [rows, tokens, cross-attention width].</returns>
    public Tensor Backward(Tensor outputGradient)
    {
        if (segments.Count == 0)
            throw new InvalidOperationException("The gradient of this pass was already computed, or the pass is disposed.");
        using var scope = NewDisposeScope();
        var total = zeros(context.shape, dtype: ScalarType.Float32, device: context.device);
        var gradient = outputGradient.to(Output.dtype);
        var skips = new Stack<Tensor>();
        while (segments.TryPop(out var segment))
        {
            using var owned = segment;
            using var inner = NewDisposeScope();
            if (segment.Link.Keeps)
                gradient += skips.Pop();
            var (toInput, toContext) = Differentiate(segment, gradient);
            if (toContext is not null)
                total.add_(toContext);
            if (toInput is null)
                break;
            gradient = toInput.narrow(1, 0, segment.OwnChannels).MoveToOuterDisposeScope();
            if (segment.Link.Joins)
                skips.Push(toInput.narrow(1, segment.OwnChannels, toInput.shape[1] - segment.OwnChannels).MoveToOuterDisposeScope());
        }

        return total.MoveToOuterDisposeScope();
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

    /// <summary>Runs the links. The first must read the text: nothing before it is differentiated.</summary>
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
            var segment = new Segment(link, input.detach(), x.shape[1], first: segments.Count == 0, context);
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

    private Tensor Evaluate(Segment segment) => segment.Link.Run(segment.Input, embedding, segment.Context ?? context, call);

    // Gradients with respect to a link's input (null for the first, whose input does not depend on the text) and to the text it reads.
    private (Tensor? Input, Tensor? Context) Differentiate(Segment segment, Tensor outputGradient)
    {
        using var graph = enable_grad();
        var value = segment.Output ?? Evaluate(segment);
        List<Tensor> leaves = [];
        if (segment.Input.requires_grad)
            leaves.Add(segment.Input);
        if (segment.Context is not null)
            leaves.Add(segment.Context);
        var gradients = autograd.grad([value], leaves, [outputGradient]);
        return (segment.Input.requires_grad ? gradients[0] : null, segment.Context is not null ? gradients[^1] : null);
    }

    /// <summary>A link that ran, with the leaves its gradient is taken of and, unless it will be recomputed, its output and graph.</summary>
    private sealed class Segment : IDisposable
    {
        public Segment(UNetLink link, Tensor input, long ownChannels, bool first, Tensor context)
        {
            Link = link;
            OwnChannels = ownChannels;
            Input = input.DetachFromDisposeScope();
            Input.requires_grad = !first;
            if (!link.ReadsText)
                return;
            Context = context.detach().DetachFromDisposeScope();
            Context.requires_grad = true;
        }

        public UNetLink Link { get; }

        public Tensor Input { get; }

        /// <summary>How many of the input's channels came from the link before; the rest came from a skip.</summary>
        public long OwnChannels { get; }

        public Tensor? Context { get; }

        public Tensor? Output { get; set; }

        public void Dispose()
        {
            Output?.Dispose();
            Input.Dispose();
            Context?.Dispose();
        }
    }
}
