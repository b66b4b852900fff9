using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Files;
using SkiaSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>
/// The output folder of a run with pictures: the requested folder, or a numbered subfolder if another run already wrote there. Everything is written at the
/// end, so a stopped run leaves nothing; a run of many pictures saves those that are finished.
/// </summary>
internal sealed class ImageFolder
{
    private const string RecordName = "run.json";

    private readonly string asked, askedPath;
    private readonly bool overwrites;
    // Photographs are encoded one at a time, because all of them together may not fit in memory.
    private const long Large = 1 << 22;

    private readonly List<(string Name, Task<byte[]> Png, int? Row)> images = [];
    private readonly JsonObject results = [];
    private List<string>? stale;
    private int saved;

    /// <summary>Fails early if the folder cannot be used.</summary>
    /// <param name="folder">The folder, which need not exist.</param>
    /// <param name="overwrites">Whether to replace an earlier run.</param>
    /// <param name="inputs">Input files. They must not be overwritten.</param>
    /// <exception cref="InvalidInputException">The path is a file or not writable, or an input would be overwritten.</exception>
    public ImageFolder(string folder, bool overwrites, IEnumerable<string> inputs)
    {
        (Path, asked, this.overwrites) = (System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder)), folder, overwrites);
        askedPath = Path;
        if (File.Exists(Path))
            throw new InvalidInputException("--output", $"{folder} is a file.", "Give a folder.");
        RunFolder.RequireWritable(Path, folder);
        if (overwrites && inputs.Select(System.IO.Path.GetFullPath).FirstOrDefault(IsImageHere) is { } input)
            throw new InvalidInputException("--output", $"{input} is an input, and --overwrite might replace it.", "Use another folder.");
    }

    /// <summary>Full path of the folder: the requested one until the run knows what it writes.</summary>
    public string Path { get; private set; }

    /// <summary>Full paths of what has been written.</summary>
    public IReadOnlyList<string> Files { get; private set; } = [];

    /// <summary>Hashes of the pictures' pixels, by name.</summary>
    public JsonObject Results => results;

    /// <summary>Adds a picture.</summary>
    /// <param name="name">Its file's name.</param>
    /// <param name="image">The picture.</param>
    /// <param name="row">Row of the picture in the run; null if the run did not make it.</param>
    public void Add(string name, Image image, int? row)
    {
        images.Add((name, Encoded(image.Size, image.ToPng), row));
        results[name] = RunRecord.HashOf(image);
    }

    /// <summary>Adds a sheet of pictures.</summary>
    public void Add(string name, SKBitmap sheet) => images.Add((name, Task.FromResult(Image.EncodePng(sheet)), null));

    /// <summary>Writes the pictures that were added since the last call, and the record as it is now. They stay if the run is stopped.</summary>
    /// <param name="record">The record without its list of files.</param>
    /// <param name="describe">Gives the settings of a picture in AUTOMATIC1111's form.</param>
    /// <param name="expected">Names of all pictures that the run may still add.</param>
    public void Save(JsonObject record, Func<int, GenerationParameters> describe, IEnumerable<string> expected)
    {
        stale ??= Claim(record, expected);
        var folder = new RunFolder(Path);
        foreach (var image in images.Skip(saved))
            Write(folder, image, record, describe);
        saved = images.Count;
        WriteRecord(folder, record, images.Select(image => folder.PathOf(image.Name)));
    }

    /// <summary>Writes the pictures with the record embedded in each, then further files, then the record.</summary>
    /// <param name="record">The record without its list of files.</param>
    /// <param name="describe">Gives the settings of a picture in AUTOMATIC1111's form.</param>
    /// <param name="trace">A further file by name or full path, and how to write it; null for none.</param>
    public void Finish(JsonObject record, Func<int, GenerationParameters> describe, (string Name, Action<string> Write)? trace)
    {
        stale ??= Claim(record, trace is { } written ? [written.Name] : []);
        var folder = new RunFolder(Path);
        foreach (var image in images)
            Write(folder, image, record, describe);
        if (trace is { } file)
            folder.Add(file.Name, file.Write);
        // All recorded files in this folder belong to one run.
        foreach (var old in stale.Except(folder.Files))
            File.Delete(old);
        WriteRecord(folder, record, folder.Files);
        Files = folder.Files;
    }

    /// <summary>A note if the pictures went to another folder than requested; else null.</summary>
    public string? Note => Path == askedPath ? null
        : $"note: {asked} already contains another run; wrote to {RunFolder.Shortest(Path)} instead (use --overwrite to replace it)";

    // Small pictures are encoded beside what follows.
    private static Task<byte[]> Encoded(PixelSize size, Func<byte[]> encode) =>
        (long)size.Width * size.Height < Large ? Task.Run(encode) : Task.FromResult(encode());

    // Chooses the folder, and finds the files of the run that is replaced there.
    private List<string> Claim(JsonObject record, IEnumerable<string> expected)
    {
        Path = Free((string)record[RunRecord.Run]!, [.. images.Select(image => image.Name), .. expected, RecordName]);
        return EarlierFiles();
    }

    private static void Write(RunFolder folder, (string Name, Task<byte[]> Png, int? Row) image, JsonObject record, Func<int, GenerationParameters> describe)
    {
        List<PngText> texts = image.Row is { } made ? [new(GenerationParameters.Keyword, describe(made).ToString())] : [];
        var whole = PngText.AddTo(image.Png.GetAwaiter().GetResult(), texts.Append(RunRecord.Text(record, image.Name)));
        folder.Add(image.Name, path => AtomicFile.Write(path, stream => stream.Write(whole)));
    }

    private void WriteRecord(RunFolder folder, JsonObject record, IEnumerable<string> files)
    {
        record["folder"] = Path;
        record[RunRecord.Files] = Json.Array([.. files, folder.PathOf(RecordName)]);
        folder.Add(RecordName, Json.File(record));
    }

    private bool IsImageHere(string path) =>
        System.IO.Path.GetDirectoryName(path) == Path && System.IO.Path.GetExtension(path).Equals(".png", StringComparison.OrdinalIgnoreCase);

    // Decide when everything is ready to write, not at the start: another run may have finished here meanwhile.
    private string Free(string run, string[] names)
    {
        if (overwrites)
            return Path;
        for (var (number, folder) = (1, Path); ; folder = System.IO.Path.Combine(Path, $"{++number}"))
        {
            var isTaken = File.Exists(folder) || names.Any(file => !System.IO.Path.IsPathRooted(file) && File.Exists(System.IO.Path.Combine(folder, file)));
            if (!isTaken || (Record(folder)?[RunRecord.Run] is JsonValue other && other.TryGetValue<string>(out var name) && name == run))
                return folder;
        }
    }

    // Only pictures in this folder: the record may have been copied from elsewhere, and the user chose the trace's name.
    private List<string> EarlierFiles() =>
    [
        .. (Record(Path)?[RunRecord.Files] as JsonArray ?? []).OfType<JsonValue>()
            .Select(file => file.TryGetValue<string>(out var path) ? path : "")
            .Where(path => path.Length > 0 && IsImageHere(path) && File.Exists(path)),
    ];

    private static JsonObject? Record(string folder)
    {
        var path = System.IO.Path.Combine(folder, RecordName);
        try
        {
            return File.Exists(path) ? Json.Object(File.ReadAllText(path)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // There is no readable record.
            return null;
        }
    }
}
