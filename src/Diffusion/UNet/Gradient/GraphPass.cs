using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet.Gradient;

/// <summary>A pass whose links share one autograd graph, which keeps all activations that the gradient needs.</summary>
internal sealed class GraphPass(Tensor embedding, Tensor context, UNetCall call, VectorPath? path) : GradientPass(embedding, context, call, path)
{
    private readonly List<Tensor> texts = [];
    private readonly List<Tensor> embeddings = [];
    private Tensor? graph;

    protected override bool HasGraph => graph is not null;

    internal override void Run(IEnumerable<UNetLink> chain, Tensor start, Stack<Tensor> kept)
    {
        using var recording = enable_grad();
        using var scope = NewDisposeScope();
        graph = UNetLink.RunAll(chain.Select(WithLeaves), start, Embedding, Context, Call, kept).DetachFromDisposeScope();
        Prediction = graph.detach().DetachFromDisposeScope();
    }

    public override void Dispose()
    {
        Free();
        base.Dispose();
    }

    protected override void Accumulate(Tensor gradient, Tensor text, Tensor? embedding)
    {
        var gradients = autograd.grad([graph!], [.. texts, .. embeddings], [gradient]);
        foreach (var ofLink in gradients.Take(texts.Count))
            text.AddInPlace(ofLink);
        foreach (var ofLink in gradients.Skip(texts.Count))
            embedding!.AddInPlace(ofLink);
        Free();
    }

    private UNetLink WithLeaves(UNetLink link) => !link.ReadsText && !(link.ReadsEmbedding && DifferentiatesEmbedding) ? link : link with
    {
        Run = (Tensor x, Tensor? embedding, Tensor context, in UNetCall call) => link.Run(
            x,
            link.ReadsEmbedding && DifferentiatesEmbedding ? Kept(embeddings, embedding!) : embedding,
            link.ReadsText ? Kept(texts, context) : context,
            call),
    };

    // Each link has a leaf of its own on the same memory, so that their gradients are added up in float32.
    private static Tensor Kept(List<Tensor> leaves, Tensor tensor)
    {
        leaves.Add(tensor.detach().requires_grad_(true).DetachFromDisposeScope());
        return leaves[^1];
    }

    private void Free()
    {
        graph?.Dispose();
        graph = null;
        foreach (var leaf in texts.Concat(embeddings))
            leaf.Dispose();
        texts.Clear();
        embeddings.Clear();
    }
}
