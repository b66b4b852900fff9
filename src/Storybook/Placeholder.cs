namespace PromptToPrompt.Storybook;

internal static class Placeholder;
