namespace PromptToPrompt.Studio.Tests;

/// <summary>Folders of the repository that the tests were built in.</summary>
internal static class Repository
{
    public static string Folder(params string[] parts)
    {
        for (var here = new DirectoryInfo(AppContext.BaseDirectory); here is not null; here = here.Parent)
        {
            var candidate = Path.Combine([here.FullName, .. parts]);
            if (Directory.Exists(candidate))
                return candidate;
        }

        throw new DirectoryNotFoundException($"{Path.Combine(parts)} belongs to the repository.");
    }
}
