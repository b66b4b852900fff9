using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Alignment;

namespace PromptToPrompt.Editing.Methods;

/// <summary>The facts of a run that a method needs.</summary>
internal sealed record MethodRun
{
    /// <summary>The network.</summary>
    public required UNetConfig Network { get; init; }

    /// <summary>Number of steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Size of the layers whose cross-attention maps show regions, in positions.</summary>
    public required (int Height, int Width) MapSize { get; init; }

    /// <summary>The alignment of each edit with the source, in the order of the edits. The companion of edit i, counted from 1, is image i + edits.</summary>
    public IReadOnlyList<TokenAlignment> Alignments { get; init; } = [];

    /// <summary>Whether the source is among the images.</summary>
    public bool HasSource { get; init; }

    /// <summary>Collects cross-attention maps; null for none.</summary>
    public IMapCollector? Maps { get; init; }

    /// <summary>Tokens of <see cref="EditMethod.Words"/> in each prompt; null for none.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Tokens { get; init; }

    /// <summary>Keeps the source's activations for rows that are computed later, or supplies them; null if all rows share one batch.</summary>
    public ISourceActivations? Source { get; init; }
}
