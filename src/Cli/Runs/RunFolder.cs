using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Files;
using SkiaSharp;

namespace PromptToPrompt.Cli.Runs;

/// <summary>The output folder of a command. Files are written atomically.</summary>
internal sealed class RunFolder
{
    private readonly string folder;
    private readonly List<string> files = [];

    /// <summary>Fails early if the folder cannot be written.</summary>
    /// <param name="folder">The folder, which need not exist.</param>
    /// <exception cref="InvalidInputException">The path is a file, or is not writable.</exception>
    public RunFolder(string folder)
    {
        this.folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (File.Exists(this.folder))
            throw new InvalidInputException("--output", $"{folder} is a file.", "Give a folder.");
        RequireWritable(this.folder, folder);
    }

    /// <summary>Full paths of what has been written.</summary>
    public IReadOnlyList<string> Files => files;

    /// <summary>Shortens a full path: relative if it is below the current directory.</summary>
    public static string Shortest(string path) => Shortest(path, Directory.GetCurrentDirectory);

    /// <inheritdoc cref="Shortest(string)"/>
    /// <param name="path">The path.</param>
    /// <param name="current">Gives the current directory.</param>
    internal static string Shortest(string path, Func<string> current)
    {
        try
        {
            var relative = Path.GetRelativePath(current(), path);
            return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The current directory was deleted during the run.
            return path;
        }
    }

    /// <summary>The full path of a file in this folder; a full path stays as it is.</summary>
    public string PathOf(string name) => Path.Combine(folder, name);

    public void Add(string name, SKBitmap bitmap) => Add(name, path => Image.SavePng(bitmap, path));

    public void Add(string name, string text) => Add(name, path => AtomicFile.WriteText(path, text));

    /// <summary>Writes a file by a function that takes its full path.</summary>
    public void Add(string name, Action<string> write)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException("--output", $"{folder} cannot be created: {AtomicFile.ReasonOf(e)}.", null, e);
        }

        var path = PathOf(name);
        write(path);
        files.Add(path);
    }

    /// <summary>Refuses a folder that is not writable, before the run. It need not exist.</summary>
    /// <param name="folder">Its full path.</param>
    /// <param name="asked">The path as the user wrote it.</param>
    /// <param name="option">The option that names it.</param>
    /// <param name="files">Names of the files to write there.</param>
    /// <exception cref="InvalidInputException">A file is in the way, a name is too long, or the folder is not writable.</exception>
    public static void RequireWritable(string folder, string asked, string option = "--output", params IEnumerable<string> files)
    {
        // Try it there or, if the folder does not exist yet, in its nearest parent. Permissions alone do not decide, and the
        // folder itself should appear with its first file.
        var probe = $".p2p-{Guid.NewGuid():N}.tmp";
        List<string> missing = [.. files, probe];
        var existing = folder;
        for (; !Directory.Exists(existing); existing = Path.GetDirectoryName(existing)!)
        {
            if (File.Exists(existing))
                throw new InvalidInputException(option, $"{asked} cannot be created, because {existing} is a file.", "Use another path.");
            missing.Add(Path.GetFileName(existing));
        }

        try
        {
            // Name by name: below a missing folder, the system reports no name as too long.
            foreach (var path in missing.Select(name => Path.Combine(existing, name)).Concat(missing.Select(name => Path.Combine(folder, name))))
                RequireShort(path);
            using (new FileStream(Path.Combine(existing, probe), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (PathTooLongException e)
        {
            throw new InvalidInputException(option, $"{asked}: {AtomicFile.ReasonOf(e)}.", null, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(option, $"{asked}: {existing} is not writable.", "Use another folder.", e);
        }
    }

    /// <summary>Refuses a folder of a data set, or of its unfinished work, that is not writable.</summary>
    /// <exception cref="InvalidInputException">It is not.</exception>
    public static void RequireWritable(BatchRequest request)
    {
        try
        {
            RequireWritable(request.Folder, request.Folder);
        }
        catch (InvalidInputException e) when (request.Place is not FolderPlace)
        {
            throw new InvalidInputException($"Unfinished work of {request.Place.Name} is kept on this machine. {e.Problem} Set XDG_CACHE_HOME to a folder that is writable.", e);
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
            // It does not exist yet.
        }
    }
}
