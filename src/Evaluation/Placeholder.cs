namespace PromptToPrompt.Evaluation;

internal static class Placeholder;
