using System.IO.Enumeration;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Validates paths from the hub, which become local files.</summary>
internal static class HubPath
{
    /// <summary>Whether a path with <c>/</c> stays inside its directory and is safe to display.</summary>
    public static bool IsSafe(string path) =>
        path.Length is > 0 and < 1024
        && !path.Any(c => char.IsControl(c) || c is '\\' or ':')
        && path.Split('/').All(part => part is not ("" or "." or ".."));

    /// <summary>Combines a directory and a safe path.</summary>
    public static string Below(string folder, string path) => Path.Combine([folder, .. path.Split('/')]);

    /// <summary>
    /// The files below a directory, including links to files. Links to directories are not followed, because they may form cycles.
    /// </summary>
    public static IEnumerable<string> FilesBelow(string folder) =>
        new FileSystemEnumerable<string>(folder, (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };

    /// <summary>Escapes a path for a URL.</summary>
    public static string Escape(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
}
