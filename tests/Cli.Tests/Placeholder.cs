namespace PromptToPrompt.Cli.Tests;

internal static class Placeholder;
