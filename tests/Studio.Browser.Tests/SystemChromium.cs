namespace PromptToPrompt.Studio.Browser.Tests;

/// <summary>The browser that is installed here.</summary>
internal static class SystemChromium
{
    // The shell is the same engine without a browser's interface, and takes half the time.
    private static readonly string[] Names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    /// <summary>Its path: that of <c>P2P_CHROMIUM</c>, else the first on the path; null where there is none.</summary>
    public static string? Path { get; } = Environment.GetEnvironmentVariable("P2P_CHROMIUM") is { Length: > 0 } named ? named
        : Names.SelectMany(name => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => System.IO.Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}
