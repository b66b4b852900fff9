namespace PromptToPrompt.Studio.Engine;

/// <summary>Limits of the engine.</summary>
public sealed record EngineLimits
{
    /// <summary>Maximum number of waiting jobs.</summary>
    public int QueueLength { get; init; } = 16;

    /// <summary>Memory limit for recorded sources, in bytes; null for the device's default.</summary>
    public long? SessionBytes { get; init; }
}
