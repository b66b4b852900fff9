namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Finds PyTorch installations that <c>python3</c> would use: in the active environment, in the user's packages, and in those of the first
/// <c>python3</c> in PATH. It only looks at directories and runs nothing.
/// </summary>
/// <param name="variable">Reads an environment variable.</param>
internal sealed class PythonFolders(Func<string, string?> variable)
{
    private const string Python = "python3";

    /// <summary>The directories of <c>torch</c> packages, the innermost environment first.</summary>
    public IReadOnlyList<string> Torch() => [.. Roots().Distinct().SelectMany(Packages).Select(packages => Path.Combine(packages, "torch")).Where(Directory.Exists)];

    /// <summary>The roots of the environments to search.</summary>
    public IEnumerable<string> Roots()
    {
        foreach (var name in (string[])["VIRTUAL_ENV", "CONDA_PREFIX"])
        {
            if (variable(name) is { Length: > 0 } active)
                yield return active;
        }

        if (variable("HOME") is { Length: > 0 } home)
            yield return Path.Combine(home, ".local");
        var programs = (variable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        if (programs.FirstOrDefault(folder => File.Exists(Path.Combine(folder, Python))) is not { } found || Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(found)) is not { } prefix)
            yield break;
        // Packages installed manually for the whole machine are separate from those of the system.
        if (prefix == "/usr")
            yield return "/usr/local";
        yield return prefix;
    }

    private static IEnumerable<string> Packages(string root)
    {
        var libraries = Path.Combine(root, "lib");
        return !Directory.Exists(libraries) ? []
            : Directory.GetDirectories(libraries, Python + "*").OrderDescending(StringComparer.Ordinal)
                .SelectMany(version => (string[])[Path.Combine(version, "site-packages"), Path.Combine(version, "dist-packages")]);
    }
}
