namespace PromptToPrompt.Studio.Tests.Browser;

/// <summary>The browser that is installed here.</summary>
internal static class SystemChromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    /// <summary>Its path: that of <c>P2P_CHROMIUM</c>, else the first on the path; null where there is none.</summary>
    public static string? Path { get; } = Environment.GetEnvironmentVariable("P2P_CHROMIUM") is { Length: > 0 } named ? named
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .SelectMany(folder => Names.Select(name => System.IO.Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
}
