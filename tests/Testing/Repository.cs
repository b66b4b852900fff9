namespace PromptToPrompt.Testing;

/// <summary>The repository that the tests were built from.</summary>
public static class Repository
{
    /// <summary>A folder of the repository.</summary>
    public static string Folder(params string[] parts)
        => Above(Path.Combine(parts)) ?? throw new DirectoryNotFoundException($"{Path.Combine(parts)} belongs to the repository.");

    /// <summary>A file or folder in the nearest folder above the tests that has it; null where none does.</summary>
    internal static string? Above(string path)
    {
        for (var here = new DirectoryInfo(AppContext.BaseDirectory); here is not null; here = here.Parent)
        {
            var candidate = Path.Combine(here.FullName, path);
            if (Path.Exists(candidate))
                return candidate;
        }

        return null;
    }
}
