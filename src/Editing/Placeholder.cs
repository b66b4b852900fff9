namespace PromptToPrompt.Editing;

internal static class Placeholder;
