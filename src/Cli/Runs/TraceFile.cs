using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Cli.Runs;

/// <summary>The trace file of a run. The user chose its name, so it is never renamed, and it replaces a file that is not a trace only with <c>--overwrite</c>.</summary>
/// <param name="asked">The path as the user wrote it.</param>
/// <param name="overwrites">Whether to replace an existing file.</param>
internal sealed class TraceFile(string asked, bool overwrites)
{
    /// <summary>Full path.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(asked);

    /// <summary>Refuses a path that is not writable or is an input of the run, before the model is loaded.</summary>
    /// <exception cref="InvalidInputException">The path cannot be used.</exception>
    public void Check(IEnumerable<string> inputs)
    {
        AtomicFile.RequireNoDevice(Path);
        if (Directory.Exists(Path))
            throw new InvalidInputException("--trace", $"{asked} is a folder.", "Give the name of a file.");
        if (!Directory.Exists(System.IO.Path.GetDirectoryName(Path)))
            throw new InvalidInputException("--trace", $"The folder of {asked} does not exist.", "Create it first.");
        RunFolder.RequireWritable(System.IO.Path.GetDirectoryName(Path)!, asked, "--trace", System.IO.Path.GetFileName(Path));
        if (inputs.Select(System.IO.Path.GetFullPath).Contains(Path))
            throw new InvalidInputException("--trace", $"{Path} is an input.", "Use another name.");
    }

    /// <summary>Refuses to replace a file that is not a trace. A trace of an earlier run is replaced.</summary>
    /// <exception cref="InvalidInputException">The file exists and is not a trace.</exception>
    public void RequireTrace()
    {
        if (overwrites || !File.Exists(Path) || new FileInfo(Path).Length == 0 || IsTrace())
            return;
        throw new InvalidInputException("--trace", $"{asked} already exists and is not a trace.", "Use another name, or --overwrite to replace it.");
    }

    /// <summary>The metadata of a trace.</summary>
    public static IReadOnlyDictionary<string, string> Metadata(string run) => new Dictionary<string, string> { [RunRecord.Run] = run };

    private bool IsTrace()
    {
        try
        {
            using var file = SafetensorsFile.Open(Path);
            return file.Metadata.ContainsKey(RunRecord.Run);
        }
        catch (InvalidInputException)
        {
            return false;
        }
    }
}
