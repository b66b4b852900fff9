using System.Diagnostics;
using System.Text;

namespace PromptToPrompt.Testing;

/// <summary>What a run of the built command left behind.</summary>
public sealed record Outcome(int ExitCode, string Output, string Error)
{
    /// <summary>Asserts that the run failed with one line on standard error, and returns it.</summary>
    public string FailedWith(int code)
    {
        Assert.True(ExitCode == code, $"exit code {ExitCode}: {Error}");
        return Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Asserts that the run succeeded, and returns its standard output.</summary>
    public string Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
        return Output;
    }
}

/// <summary>Runs the built command as a process of its own.</summary>
public static class P2P
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    public static Outcome Run(params string[] arguments) => RunWithInput(null, arguments);

    /// <summary>Runs p2p-lab, where the tests are built with it.</summary>
    public static Outcome RunLab(params string[] arguments) => Run(null, new Dictionary<string, string>(), arguments, Path.Combine(AppContext.BaseDirectory, "p2p-lab.dll"));

    /// <summary>The command as a shell calls it.</summary>
    public static string Command { get; } = $"dotnet {Path.Combine(AppContext.BaseDirectory, "p2p.dll")}";

    /// <summary>Runs a line of a shell.</summary>
    public static Outcome RunShell(string script)
    {
        using var process = Start(new ProcessStartInfo("sh", ["-c", script]), new Dictionary<string, string>());
        process.StandardInput.Close();
        return Finish(process, process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
    }

    /// <summary>Runs with further environment variables.</summary>
    public static Outcome RunIn(IReadOnlyDictionary<string, string> environment, params string[] arguments) => Run(null, environment, arguments);

    /// <summary>Runs another build of the command.</summary>
    public static Outcome RunOf(string program, IReadOnlyDictionary<string, string> environment, params string[] arguments) => Run(null, environment, arguments, program);

    public static Outcome RunWithInput(string? input, params string[] arguments) => Run(input, new Dictionary<string, string>(), arguments);

    private static Outcome Run(string? input, IReadOnlyDictionary<string, string> environment, string[] arguments, string? program = null)
    {
        using var process = Start(arguments, environment, program);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return Finish(process, output, error);
    }

    /// <summary>Presses Ctrl-C when standard error has a line with some words in it.</summary>
    public static Outcome RunAndInterruptAt(string words, params string[] arguments)
    {
        using var process = Start(arguments, new Dictionary<string, string>());
        var output = process.StandardOutput.ReadToEndAsync();
        var seen = new StringBuilder();
        while (process.StandardError.ReadLine() is { } line)
        {
            seen.Append(line).Append('\n');
            if (line.Contains(words, StringComparison.Ordinal))
                break;
        }

        Signal(process, "INT");
        return Finish(process, output, Rest());

        async Task<string> Rest() => seen + await process.StandardError.ReadToEndAsync();
    }

    /// <summary>Presses Ctrl-C when a file is there.</summary>
    public static Outcome RunAndInterruptAtFile(string path, params string[] arguments) => RunAndSignalAtFile(path, "INT", arguments);

    /// <summary>Kills the command, which can do nothing about it, when a file is there.</summary>
    public static Outcome RunAndKillAtFile(string path, params string[] arguments) => RunAndSignalAtFile(path, "KILL", arguments);

    /// <summary>Sends a signal when a file is there.</summary>
    public static Outcome RunAndSignalAtFile(string path, string signal, params string[] arguments)
    {
        using var process = Start(arguments, new Dictionary<string, string>());
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        while (!File.Exists(path) && !process.WaitForExit(TimeSpan.FromMilliseconds(20)))
        {
        }

        Signal(process, signal);
        return Finish(process, output, error);
    }

    private static void Signal(Process process, string signal)
    {
        if (!process.HasExited)
            Process.Start("kill", [$"-{signal}", $"{process.Id}"]).WaitForExit();
    }

    private static Process Start(string[] arguments, IReadOnlyDictionary<string, string> environment, string? program = null)
    {
        // A job that a script began in the background ignores Ctrl-C and so do its children, unless told otherwise.
        return Start(new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", program ?? Path.Combine(AppContext.BaseDirectory, "p2p.dll"), .. arguments]), environment);
    }

    private static Process Start(ProcessStartInfo start, IReadOnlyDictionary<string, string> environment)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.Environment["OMP_NUM_THREADS"] = "1";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static Outcome Finish(Process process, Task<string> output, Task<string> error)
    {
        if (!process.WaitForExit(Longest))
        {
            process.Kill();
            Assert.Fail("The command did not end.");
        }

        return new Outcome(process.ExitCode, output.Result, error.Result);
    }
}
