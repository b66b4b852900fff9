namespace PromptToPrompt.Studio.Engine;

/// <summary>What the engine takes on.</summary>
public sealed record EngineLimits
{
    /// <summary>Jobs that may wait.</summary>
    public int QueueLength { get; init; } = 16;

    /// <summary>Memory for recorded sources, in bytes.</summary>
    public long SessionBytes { get; init; } = 4L << 30;
}
