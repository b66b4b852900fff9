using System.Diagnostics;
using System.Runtime.InteropServices;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Cli;

/// <summary>
/// Loads libtorch beside the reading of the command line, for the commands that make pictures. Each takes 0.2 seconds, and neither needs the other.
/// </summary>
internal static partial class EarlyLoad
{
    private static readonly string[] Commands = ["generate", "edit", "grid", "invert", "inpaint", "attention"];
    private static readonly string[] Questions = ["--help", "-h", "-?", "/h", "/?", "--version"];

    /// <summary>Begins to load, if the command will need libtorch. An error appears where the command needs it.</summary>
    /// <param name="args">The command line.</param>
    public static void Begin(string[] args)
    {
        if (IsNeeded(args) && FindSystemFunctions())
            LibTorch.BeginToLoad();
    }

    /// <summary>Whether a command line that has no error needs libtorch.</summary>
    internal static bool IsNeeded(string[] args) => args.Length > 1 && Commands.Contains(args[0]) && !args.Any(Questions.Contains);

    /// <summary>
    /// Ends the process without the exit handlers of native libraries if libtorch was loaded, or is being loaded because the command line has an error.
    /// libtorch's handlers take 0.1 seconds to take its table of operators apart, and fail if it is still being loaded. All files and streams are written by
    /// then.
    /// </summary>
    /// <param name="code">The exit code.</param>
    public static void End(int code)
    {
        if (!LibTorch.IsBegun || !OperatingSystem.IsLinux())
            return;
        // Native libraries print through C's buffers, for example what ONEDNN_VERBOSE asks for.
        _ = Flush(0);
        Exit(code);
    }

    // The system's loader finds a function only after it has loaded a library. Reading the command line uses these; without this, it would wait for libtorch.
    // Returns false without a current directory: the command says so, and MKL would end the process in its own way.
    private static bool FindSystemFunctions()
    {
        try
        {
            _ = HashCode.Combine(Directory.GetCurrentDirectory(), Guid.NewGuid(), Stopwatch.GetTimestamp());
            _ = (Thread.GetCurrentProcessorId(), File.Exists(Environment.ProcessPath));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "fflush")]
    private static partial int Flush(nint stream);

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
