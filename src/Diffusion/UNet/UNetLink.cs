using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>
/// One link in the chain of functions that make up a U-Net. Skip connections run between links, so the code that runs a chain decides
/// which outputs to keep.
/// </summary>
/// <param name="Run">The function. It returns a new tensor.</param>
internal sealed record UNetLink(UNetFunction Run)
{
    /// <summary>Whether the link's input is concatenated with the most recently saved output (skip connection).</summary>
    public bool Joins { get; init; }

    /// <summary>Whether the output is saved for a skip connection to the expanding half.</summary>
    public bool Keeps { get; init; }

    /// <summary>Whether this link itself reads the text.</summary>
    public bool ReadsText { get; init; }

    /// <summary>Whether this link itself reads the embedding of timestep and added conditioning.</summary>
    public bool ReadsEmbedding { get; init; }

    /// <summary>Runs links one after another.</summary>
    /// <param name="chain">The links.</param>
    /// <param name="x">Input of the first link; the caller disposes it.</param>
    /// <param name="embedding">Activated timestep embedding; null if the call has constants.</param>
    /// <param name="context">The text.</param>
    /// <param name="call">The context of the evaluation.</param>
    /// <param name="kept">Stack of saved outputs; links push and pop.</param>
    public static Tensor RunAll(IEnumerable<UNetLink> chain, Tensor x, Tensor? embedding, Tensor context, in UNetCall call, Stack<Tensor> kept)
    {
        // The tensor that nothing needs after the next link. Tensors are disposed as soon as possible: feature maps of several rows are large.
        Tensor? last = null;
        using var scope = NewDisposeScope();
        foreach (var link in chain)
        {
            using var dispensable = last;
            using var skip = link.Joins ? kept.Pop() : null;
            using var joined = skip is null ? null : cat([x, skip], 1);
            x = link.Run(joined ?? x, embedding, context, call);
            last = link.Keeps ? null : x;
            if (link.Keeps)
                kept.Push(x.MoveToOuterDisposeScope());
        }

        return x.MoveToOuterDisposeScope();
    }
}

/// <summary>Maps a feature map, [rows, channels, h, w], to the next one.</summary>
/// <param name="x">The feature map.</param>
/// <param name="embedding">Activated timestep embedding, [rows or 1, width]; null if the call has constants.</param>
/// <param name="context">The text, [rows, tokens, width].</param>
/// <param name="call">The context of the evaluation.</param>
internal delegate Tensor UNetFunction(Tensor x, Tensor? embedding, Tensor context, in UNetCall call);
