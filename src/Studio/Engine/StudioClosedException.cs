namespace PromptToPrompt.Studio.Engine;

/// <summary>The studio is closing.</summary>
public sealed class StudioClosedException() : Exception("The studio is closing. Try again after it restarts.");
