namespace PromptToPrompt.Batch.Filters;

/// <summary>A filter cannot be asked at all, so the fault is no item's: its command was not found, or its address does not accept connections.</summary>
/// <param name="message">The problem and the advice.</param>
/// <param name="cause">The exception; null without one.</param>
internal sealed class FilterStartException(string message, Exception? cause = null) : IOException(message, cause);
