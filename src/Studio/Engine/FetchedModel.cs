namespace PromptToPrompt.Studio.Engine;

/// <summary>A model in the hub's cache.</summary>
/// <param name="Name">Its name: OWNER/NAME or OWNER/NAME@REVISION.</param>
/// <param name="Directory">Its directory.</param>
/// <param name="Variant">The variant of its weights, such as <c>fp16</c>; null for the default.</param>
public sealed record FetchedModel(string Name, string Directory, string? Variant = null);
