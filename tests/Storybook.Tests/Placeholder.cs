namespace PromptToPrompt.Storybook.Tests;

internal static class Placeholder;
