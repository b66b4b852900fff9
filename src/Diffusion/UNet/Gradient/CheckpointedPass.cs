using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet.Gradient;

/// <summary>
/// A pass that keeps only the links' inputs. The links are differentiated one by one, from last to first, and each is evaluated again for its
/// gradient (Chen et al., arXiv 1604.06174). This costs one more forward pass, but needs memory for the activations of only one link.
/// </summary>
internal sealed class CheckpointedPass(Tensor embedding, Tensor context, UNetCall call, VectorPath? path) : GradientPass(embedding, context, call, path)
{
    private readonly Stack<Segment> segments = [];

    protected override bool HasGraph => segments.Count > 0;

    internal override void Run(IEnumerable<UNetLink> chain, Tensor start, Stack<Tensor> kept)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var x = start.alias();
        foreach (var link in chain)
        {
            using var inner = NewDisposeScope();
            var input = link.Joins ? cat([x, kept.Pop()], 1) : x;
            segments.Push(new Segment(link, input.DetachFromDisposeScope(), x.shape[1]));
            x = link.Run(input, Embedding, Context, Call).MoveToOuterDisposeScope();
            if (link.Keeps)
                kept.Push(x);
        }

        Prediction = x.DetachFromDisposeScope();
    }

    public override void Dispose()
    {
        while (segments.TryPop(out var segment))
            segment.Input.Dispose();
        base.Dispose();
    }

    protected override void Accumulate(Tensor gradient, Tensor text, Tensor? embedding)
    {
        var skips = new Stack<Tensor>();
        while (segments.TryPop(out var segment))
        {
            using var owned = segment.Input;
            using var inner = NewDisposeScope();
            if (segment.Link.Keeps)
                gradient = gradient.Plus(skips.Pop());
            var (toInput, toText, toEmbedding) = Differentiate(segment, gradient, isFirst: segments.Count == 0);
            if (toText is not null)
                text.AddInPlace(toText);
            if (toEmbedding is not null)
                embedding!.AddInPlace(toEmbedding);
            if (toInput is null)
                break;
            gradient = (segment.Link.Joins ? toInput.narrow(1, 0, segment.OwnChannels) : toInput).MoveToOuterDisposeScope();
            if (segment.Link.Joins)
                skips.Push(toInput.narrow(1, segment.OwnChannels, toInput.shape[1] - segment.OwnChannels).MoveToOuterDisposeScope());
        }
    }

    // Gradients with respect to a link's input (null for the first link, whose input does not depend on the conditioning), and to the text
    // and the embedding if the link reads them.
    private (Tensor? Input, Tensor? Text, Tensor? Embedding) Differentiate(Segment segment, Tensor outputGradient, bool isFirst)
    {
        using var graph = enable_grad();
        var (input, text, embedding) = (Leaf(!isFirst, segment.Input), Leaf(segment.Link.ReadsText, Context), Leaf(segment.Link.ReadsEmbedding && DifferentiatesEmbedding, Embedding));
        var value = segment.Link.Run(input ?? segment.Input, embedding ?? Embedding, text ?? Context, Call);
        var gradients = new Queue<Tensor>(autograd.grad([value], [.. new[] { input, text, embedding }.OfType<Tensor>()], [outputGradient]));
        return (Of(input), Of(text), Of(embedding));

        static Tensor? Leaf(bool isWanted, Tensor tensor) => isWanted ? tensor.detach().requires_grad_(true) : null;

        Tensor? Of(Tensor? leaf) => leaf is null ? null : gradients.Dequeue();
    }

    /// <summary>A link after its forward pass.</summary>
    /// <param name="Link">The link.</param>
    /// <param name="Input">Its input, without a graph. Owned by the pass.</param>
    /// <param name="OwnChannels">Number of input channels from the previous link; the rest comes from a skip connection.</param>
    private readonly record struct Segment(UNetLink Link, Tensor Input, long OwnChannels);
}
