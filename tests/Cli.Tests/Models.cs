namespace PromptToPrompt.Cli.Tests;

/// <summary>The model that tests run on; without it they are skipped.</summary>
internal static class Models
{
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
