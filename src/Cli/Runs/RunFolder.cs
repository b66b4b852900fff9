using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Imaging;
using SkiaSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>The folder of a run's files. Nothing is written before the run is done, and each file is whole or not there.</summary>
internal sealed class RunFolder
{
    private const string RecordName = "run.json";
    private const string RecordedFiles = "files";

    private readonly string folder;
    private readonly List<string> files = [];

    /// <summary>Checks early what would otherwise fail after the work.</summary>
    /// <param name="folder">The folder, which need not exist.</param>
    /// <param name="trace">A further file, which may lie elsewhere.</param>
    /// <param name="inputs">Files the run reads; they must not be among those it writes.</param>
    /// <exception cref="InvalidInputException">The path is that of a file, nothing can be written there, or an input would be overwritten.</exception>
    public RunFolder(string folder, string? trace, params IEnumerable<string> inputs)
    {
        this.folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (File.Exists(this.folder))
            throw new InvalidInputException($"--output {folder} is a file; give a folder.");
        RequireWritable(this.folder, folder);
        foreach (var input in inputs.Select(Path.GetFullPath))
        {
            if (input == trace || (Path.GetDirectoryName(input) == this.folder && Path.GetExtension(input).Equals(".png", StringComparison.OrdinalIgnoreCase)))
                throw new InvalidInputException($"{input} is an input, and the results might overwrite it; give another --output.");
        }

        if (trace is not null)
            RequireWritableTrace(Path.GetFullPath(trace), trace);
    }

    private static void RequireWritableTrace(string path, string asked)
    {
        AtomicFile.RequireNoDevice(path);
        if (Directory.Exists(path))
            throw new InvalidInputException($"--trace {asked} is a folder; give the name of a file.");
        if (!Directory.Exists(Path.GetDirectoryName(path)))
            throw new InvalidInputException($"--trace {asked}: its folder does not exist; create it first.");
        RequireWritable(Path.GetDirectoryName(path)!, asked, "--trace", Path.GetFileName(path));
    }

    /// <summary>Full paths of what has been written.</summary>
    public IReadOnlyList<string> Files => files;

    /// <summary>A full path as a person reads it best: relative where it lies below the current directory.</summary>
    public static string Shortest(string path)
    {
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    /// <summary>The full path of a file here; a name that is a full path stays as it is.</summary>
    public string PathOf(string name) => Path.Combine(folder, name);

    public void Add(string name, Picture picture) => Add(name, picture.SavePng);

    public void Add(string name, SKBitmap bitmap) => Add(name, path => Picture.SavePng(bitmap, path));

    public void Add(string name, string text) => Add(name, path => AtomicFile.WriteText(path, text));

    /// <summary>
    /// Writes the record of the run, with the list of its files; before that, files of an earlier run that this one has not replaced are
    /// removed, so that all that lies here and is in a record is of one run. Files that no record lists stay.
    /// </summary>
    /// <param name="record">The record; gets the list.</param>
    /// <param name="arguments">The command line. A file that is named there stays too.</param>
    public void Finish(JsonObject record, IEnumerable<string> arguments)
    {
        var kept = files.Concat(arguments.Where(argument => argument.Length > 0).Select(Path.GetFullPath)).ToHashSet();
        foreach (var stale in EarlierFiles().Where(file => !kept.Contains(file)))
            File.Delete(stale);
        record[RecordedFiles] = Json.Array([.. files, PathOf(RecordName)]);
        Add(RecordName, Json.File(record));
    }

    /// <summary>Writes a file by a function that takes its full path.</summary>
    public void Add(string name, Action<string> write)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"--output {folder} cannot be made: {AtomicFile.ReasonOf(e)}.", e);
        }

        var path = PathOf(name);
        write(path);
        files.Add(path);
    }

    // By trying it in the folder or, where there is none yet, in the one it will be made in: permissions alone do not tell, and the
    // folder itself is to appear with its first file.
    /// <summary>Refuses a folder in which nothing can be written, before the work; it need not exist.</summary>
    /// <param name="folder">Its full path.</param>
    /// <param name="asked">What the user wrote.</param>
    /// <param name="option">The option it was written to.</param>
    /// <param name="files">Names of files that will lie there.</param>
    /// <exception cref="InvalidInputException">A file is in the way, a name is too long, or nothing can be written there.</exception>
    public static void RequireWritable(string folder, string asked, string option = "--output", params IEnumerable<string> files)
    {
        var probe = $".p2p-{Guid.NewGuid():N}.tmp";
        List<string> missing = [.. files, probe];
        var existing = folder;
        for (; !Directory.Exists(existing); existing = Path.GetDirectoryName(existing)!)
        {
            if (File.Exists(existing))
                throw new InvalidInputException($"{option} {asked}: {existing} is a file; give another path.");
            missing.Add(Path.GetFileName(existing));
        }

        try
        {
            // One by one, because below a folder that is missing no name is too long.
            foreach (var path in missing.Select(name => Path.Combine(existing, name)).Concat(missing.Select(name => Path.Combine(folder, name))))
                RequireShort(path);
            using (new FileStream(Path.Combine(existing, probe), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (PathTooLongException e)
        {
            throw new InvalidInputException($"{option} {asked}: {AtomicFile.ReasonOf(e)}.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{option} {asked}: nothing can be written in {existing}; choose another folder.", e);
        }
    }

    private static void RequireShort(string path)
    {
        try
        {
            _ = File.GetAttributes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            // Not there yet.
        }
    }

    // Of what the record here lists only what lies here: a record may have been copied from another folder.
    private IEnumerable<string> EarlierFiles()
    {
        try
        {
            var record = File.Exists(PathOf(RecordName)) ? JsonNode.Parse(File.ReadAllText(PathOf(RecordName))) as JsonObject : null;
            return
            [
                .. (record?[RecordedFiles] as JsonArray ?? []).OfType<JsonValue>()
                    .Select(file => file.TryGetValue<string>(out var path) ? path : "")
                    // Pictures alone: a trace was given its name by somebody who may still want it.
                    .Where(path => Path.GetDirectoryName(path) == folder && Path.GetExtension(path) == ".png" && File.Exists(path)),
            ];
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            // Somebody else's file of that name.
            return [];
        }
    }
}
