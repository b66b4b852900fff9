namespace PromptToPrompt.Diffusion.Storage.Files;

/// <summary>This program's directory in the user's cache: <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>.</summary>
internal static class UserCache
{
    /// <summary>Full path of a subdirectory, which need not exist; null if the user has no home directory.</summary>
    public static string? Folder(params ReadOnlySpan<string> names)
    {
        var root = EnvironmentPath.Read("XDG_CACHE_HOME", Environment.GetEnvironmentVariable);
        if (!Path.IsPathRooted(root))
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (home.Length == 0)
                return null;
            root = Path.Combine(home, ".cache");
        }
        return Path.Combine([root, "prompt-to-prompt", .. names]);
    }
}
