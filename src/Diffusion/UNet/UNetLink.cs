using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet;

/// <summary>
/// One link of the chain that a U-Net is: a function of one feature map. Skip connections are between links, so whoever runs a chain
/// decides what is kept of it.
/// </summary>
/// <param name="Run">The function. Its result is a fresh tensor.</param>
internal sealed record UNetLink(UNetFunction Run)
{
    /// <summary>Whether the latest output that was kept is taken back in: its channels are joined to the input's.</summary>
    public bool Joins { get; init; }

    /// <summary>Whether the output is kept for the expanding half.</summary>
    public bool Keeps { get; init; }

    /// <summary>Whether the output depends on the text by this link itself.</summary>
    public bool ReadsText { get; init; }

    /// <summary>Whether the output depends on the embedding of timestep and vector by this link itself.</summary>
    public bool ReadsEmbedding { get; init; }

    /// <summary>Runs links one after another.</summary>
    /// <param name="chain">The links.</param>
    /// <param name="x">Input of the first; stays the caller's.</param>
    /// <param name="embedding">Activated timestep embedding.</param>
    /// <param name="context">The text.</param>
    /// <param name="call">What travels beside.</param>
    /// <param name="kept">Outputs that were kept so far; links push and pop.</param>
    public static Tensor RunAll(IEnumerable<UNetLink> chain, Tensor x, Tensor embedding, Tensor context, in UNetCall call, Stack<Tensor> kept)
    {
        using var scope = NewDisposeScope();
        x = x.alias();
        foreach (var link in chain)
        {
            // Handles are let go as soon as possible: feature maps of several rows are large.
            using (var before = x)
            using (var skip = link.Joins ? kept.Pop() : null)
            using (var input = skip is null ? before.alias() : cat([before, skip], 1))
                x = link.Run(input, embedding, context, call);
            if (link.Keeps)
                kept.Push(x.alias().MoveToOuterDisposeScope());
        }

        return x.MoveToOuterDisposeScope();
    }
}

/// <summary>A feature map, [rows, channels, h, w], to the next.</summary>
/// <param name="x">The feature map.</param>
/// <param name="embedding">Activated timestep embedding, [rows or 1, width].</param>
/// <param name="context">The text, [rows, tokens, width].</param>
/// <param name="call">What travels beside.</param>
internal delegate Tensor UNetFunction(Tensor x, Tensor embedding, Tensor context, in UNetCall call);
