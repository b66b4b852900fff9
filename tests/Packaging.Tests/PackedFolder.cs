using System.Diagnostics;
using System.Reflection;

namespace PromptToPrompt.Packaging.Tests;

/// <summary>Both packages, packed from what was built with these tests into a folder that is gone after them.</summary>
public sealed class PackedFolder : IDisposable
{
    /// <summary>Generous: a busy machine compresses libtorch for minutes.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(8);

    private readonly TemporaryFolder folder = new();

    public PackedFolder()
    {
        var source = Repository.Folder("src");
        Pack(Path.Combine(source, "Package"), "--no-build");
        // A tool for one system is built for it, and that build is not the solution's. The libraries are, and stay untouched.
        Pack(Path.Combine(source, "Cli"), "--no-restore", "-p:BuildProjectReferences=false");

        void Pack(string project, params string[] options) =>
            Dotnet(folder.Path, ["pack", project, "-c", Configuration, "-o", Packages, "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false", .. options]);
    }

    /// <summary>Where the packages are.</summary>
    public string Packages => folder["packages"];

    /// <summary>The configuration that the tests were built in.</summary>
    private static string Configuration { get; } = typeof(PackedFolder).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    /// <summary>The path of a package of a name.</summary>
    public string Package(string name) => Directory.GetFiles(Packages, $"{name}.*.nupkg").Single(path => char.IsAsciiDigit(Path.GetFileName(path)[name.Length + 1]));

    /// <summary>Runs <c>dotnet</c> and asserts that it succeeds.</summary>
    /// <returns>Its standard output.</returns>
    public static string Dotnet(string directory, IEnumerable<string> arguments) => Run("dotnet", directory, arguments);

    /// <summary>Runs a program and asserts that it succeeds.</summary>
    /// <returns>Its standard output.</returns>
    public static string Run(string program, string directory, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };
        // What `dotnet test` sets for its own MSBuild misleads another one.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        start.Environment["OMP_NUM_THREADS"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Longest))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end.");
        }

        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{output.Result}\n{error.Result}");
        return output.Result;
    }

    public void Dispose() => folder.Dispose();
}
