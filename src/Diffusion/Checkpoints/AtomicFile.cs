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
    /// <exception cref="IOException">The folder does not exist, or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        string full = Path.GetFullPath(path);
        // In the same folder, since a rename across file systems is a copy. The name is random: two processes may write one file.
        string temporary = Path.Combine(Path.GetDirectoryName(full)!, $".p2p-{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BufferSize))
            {
                write(stream);
                // On the disk before the rename: otherwise a power cut can leave the new name with the content missing.
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
