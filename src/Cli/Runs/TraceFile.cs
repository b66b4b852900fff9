using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Cli.Runs;

/// <summary>The file of a run's trace. It has a name that the user chose, so it is never called something else, and never replaces a file that is no trace unasked.</summary>
/// <param name="asked">What the user wrote.</param>
/// <param name="overwrites">Whether a file that is there is replaced.</param>
internal sealed class TraceFile(string asked, bool overwrites)
{
    /// <summary>Full path.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(asked);

    /// <summary>Refuses, before anything is loaded, a place where nothing can be written, and one of the run's inputs.</summary>
    /// <exception cref="InvalidInputException">It is such a place.</exception>
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

    /// <summary>Refuses a file that is no trace: a trace of an earlier run is replaced, as its name was given for that.</summary>
    /// <exception cref="InvalidInputException">There is such a file.</exception>
    public void RequireTrace()
    {
        if (overwrites || !File.Exists(Path) || new FileInfo(Path).Length == 0 || IsTrace())
            return;
        throw new InvalidInputException("--trace", $"{asked} already exists and is not a trace.", "Use another name, or --overwrite to replace it.");
    }

    /// <summary>What the header of a trace says of its run.</summary>
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
