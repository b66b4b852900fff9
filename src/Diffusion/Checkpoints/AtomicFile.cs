using System.Text;

namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>
/// Writes files that are whole or not there: the content goes to a temporary name in the same folder, which is renamed when complete.
/// </summary>
public static class AtomicFile
{
    private const int BufferSize = 1 << 20;

    /// <summary>
    /// Writes a file through <paramref name="write"/>. When that throws, the temporary file is deleted and an older file of that name stays.
    /// </summary>
    /// <param name="path">The file to create or replace. Its folder must exist.</param>
    /// <param name="write">Writes the content to the stream it is given, which can seek.</param>
    /// <exception cref="InvalidInputException">A file cannot be created under that path.</exception>
    /// <exception cref="IOException">The content could not be written, for example because the disk is full.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var full = Path.GetFullPath(path);
        // In the same folder, since a rename across file systems is a copy. The name is random: two processes may write one file.
        var temporary = Path.Combine(Path.GetDirectoryName(full)!, $".p2p-{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = Create(temporary, path))
            {
                write(stream);
                // On the disk before the rename: otherwise a power cut can leave the new name with the content missing.
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            if (File.Exists(temporary))
                File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Writes a text file in UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    private static FileStream Create(string temporary, string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new InvalidInputException($"{path} is a folder: give the name of a file.");
            return new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BufferSize);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new InvalidInputException($"{path} cannot be written: its folder does not exist; create it first.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InvalidInputException($"{path} cannot be written: no permission to write to its folder; choose another.", e);
        }
        catch (IOException e)
        {
            throw new InvalidInputException($"{path} cannot be written: {e.Message}", e);
        }
    }
}
