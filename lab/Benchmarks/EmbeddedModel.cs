namespace PromptToPrompt.Benchmarks;

/// <summary>The model that is part of the repository.</summary>
internal static class EmbeddedModel
{
    /// <summary>Its directory, searched for upwards from the program.</summary>
    /// <exception cref="DirectoryNotFoundException">The program does not run inside a checkout.</exception>
    public static string Directory
    {
        get
        {
            for (var here = new DirectoryInfo(AppContext.BaseDirectory); here is not null; here = here.Parent)
            {
                var candidate = Path.Combine(here.FullName, "models", "storybook");
                if (System.IO.Directory.Exists(candidate))
                    return candidate;
            }

            throw new DirectoryNotFoundException("models/storybook was not found in any parent directory of the program. Run the benchmarks inside a checkout.");
        }
    }
}
