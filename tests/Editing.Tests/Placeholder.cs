namespace PromptToPrompt.Editing.Tests;

internal static class Placeholder;
