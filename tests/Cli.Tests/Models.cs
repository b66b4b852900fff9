namespace PromptToPrompt.Cli.Tests;

/// <summary>The models that tests run on; a test without its model is skipped.</summary>
internal static class Models
{
    /// <summary>The small reference model in the form of Stable Diffusion 1.5, beside the repository or where P2P_REFERENCE says.</summary>
    public static string Tiny()
    {
        var folder = Environment.GetEnvironmentVariable("P2P_REFERENCE") is { Length: > 0 } given ? given : Above(Path.Combine("shared", "reference"));
        var model = folder is null ? null : Path.Combine(folder, "tiny-sd15");
        Assert.SkipUnless(Directory.Exists(model), "The reference model tiny-sd15 is not here (P2P_REFERENCE names its folder).");
        return model!;
    }

    /// <summary>The model that comes with the project.</summary>
    public static string Storybook()
    {
        var model = Above(Path.Combine("models", "storybook"));
        Assert.SkipUnless(model is not null, "models/storybook is not here.");
        return model!;
    }

    private static string? Above(string path)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (Directory.Exists(Path.Combine(folder.FullName, path)))
                return Path.Combine(folder.FullName, path);
        }

        return null;
    }
}
