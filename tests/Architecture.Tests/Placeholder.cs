namespace PromptToPrompt.Architecture.Tests;

internal static class Placeholder;
