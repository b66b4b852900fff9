namespace PromptToPrompt.Studio.Engine;

/// <summary>Something was asked of a studio that is closing.</summary>
public sealed class StudioClosedException() : Exception("The studio is closing; ask again when it is open.");
