namespace PromptToPrompt.Diffusion.Tests;

internal static class Placeholder;
