using System.IO.Enumeration;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Paths that a stranger names and that become files here.</summary>
internal static class HubPath
{
    /// <summary>Whether a path with <c>/</c> stays below the folder it is put into, and is safe to show.</summary>
    public static bool IsSafe(string path) =>
        path.Length is > 0 and < 1024
        && !path.Any(c => char.IsControl(c) || c is '\\' or ':')
        && path.Split('/').All(part => part is not ("" or "." or ".."));

    /// <summary>A safe path below a folder.</summary>
    public static string Below(string folder, string path) => Path.Combine([folder, .. path.Split('/')]);

    /// <summary>The files below a folder, links to files among them. Links to folders are not followed: they may lead in circles.</summary>
    public static IEnumerable<string> FilesBelow(string folder) =>
        new FileSystemEnumerable<string>(folder, (ref FileSystemEntry entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
            ShouldRecursePredicate = (ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };

    /// <summary>A path as part of an address.</summary>
    public static string Escape(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
}
