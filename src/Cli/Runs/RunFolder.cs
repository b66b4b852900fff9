using System.Text;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Imaging;
using SkiaSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>The folder of a run's files. Nothing is written before the run is done, and each file is whole or not there.</summary>
internal sealed class RunFolder
{
    private readonly string folder;
    private readonly List<string> files = [];

    /// <summary>Checks early what would otherwise fail after the work.</summary>
    /// <exception cref="InvalidInputException">The path is that of a file.</exception>
    public RunFolder(string folder, string? trace)
    {
        this.folder = Path.GetFullPath(folder);
        if (File.Exists(this.folder))
            throw new InvalidInputException($"--output {folder} is a file; give a folder.");
        if (trace is not null && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(trace))))
            throw new InvalidInputException($"--trace {trace}: its folder does not exist; create it first.");
    }

    /// <summary>Full paths of what has been written.</summary>
    public IReadOnlyList<string> Files => files;

    /// <summary>The full path of a file here; a name that is a full path stays as it is.</summary>
    public string PathOf(string name) => Path.Combine(folder, name);

    public void Add(string name, Picture picture) => Add(name, picture.SavePng);

    public void Add(string name, SKBitmap bitmap) => Add(name, path => Picture.SavePng(bitmap, path));

    public void Add(string name, string text) => Add(name, path => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text))));

    /// <summary>Writes a file by a function that takes its full path.</summary>
    public void Add(string name, Action<string> write)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"--output {folder} cannot be made: {e.Message}", e);
        }

        var path = PathOf(name);
        write(path);
        files.Add(path);
    }
}
