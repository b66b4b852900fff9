namespace PromptToPrompt.Studio.Engine;

/// <summary>Limits of the engine.</summary>
public sealed record EngineLimits
{
    /// <summary>Maximum number of waiting jobs.</summary>
    public int QueueLength { get; init; } = 16;

    /// <summary>Memory limit for recorded sources, in bytes.</summary>
    public long SessionBytes { get; init; } = 6L << 30;
}
