namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Where a PyTorch would be that <c>python3</c> finds: in the active environment, the user's own packages, those of the first <c>python3</c> in
/// PATH. Folders are looked at and nothing is run.
/// </summary>
/// <param name="variable">Reads an environment variable.</param>
internal sealed class PythonFolders(Func<string, string?> variable)
{
    private const string Python = "python3";

    /// <summary>The folders of <c>torch</c> packages, those of the innermost environment first.</summary>
    public IReadOnlyList<string> Torch() => [.. Roots().Distinct().SelectMany(Packages).Select(packages => Path.Combine(packages, "torch")).Where(Directory.Exists)];

    /// <summary>The roots of the environments that are looked through.</summary>
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
        // What is installed for the whole machine by hand lies beside what the system brought.
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
