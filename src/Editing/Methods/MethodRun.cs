using PromptToPrompt.Diffusion.UNet;

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

    /// <summary>Tokens of <see cref="EditMethod.Words"/> in each prompt; null for none.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Tokens { get; init; }

    /// <summary>Keeps the source's activations for rows that are computed later, or supplies them; null if all rows share one batch.</summary>
    public ISourceActivations? Source { get; init; }
}
