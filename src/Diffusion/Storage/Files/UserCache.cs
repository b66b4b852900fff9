namespace PromptToPrompt.Diffusion.Storage.Files;

/// <summary>The user's cache folder: <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>, and in it ours.</summary>
internal static class UserCache
{
    /// <summary>Full path of a folder in it, which need not exist; null where the user has no home.</summary>
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
