using System.Runtime.ExceptionServices;
using System.Text;

namespace PromptToPrompt.Diffusion.Storage.Files;

/// <summary>
/// Writes files atomically: the content goes to a temporary file in the same directory, which is renamed when complete.
/// </summary>
internal static class AtomicFile
{
    private const int BufferSize = 1 << 20;

    private const string FileLength = "value";

    // System error numbers, which .NET passes on unchanged.
    private const int DiskFull = 28;
    private const int ReadOnly = 30;

    /// <summary>
    /// Writes a file through <paramref name="write"/>. If that throws, the temporary file is deleted and an existing file remains.
    /// </summary>
    /// <param name="path">The file to create or replace. Its directory must exist.</param>
    /// <param name="write">Writes the content to the given seekable stream.</param>
    /// <param name="overwrite">Whether to replace an existing file. If not, that is an <see cref="IOException"/>.</param>
    /// <exception cref="InvalidInputException">No file can be created at that path.</exception>
    /// <exception cref="IOException">
    /// The content could not be written, for example because the disk is full; the message is one line. Other exceptions of
    /// <paramref name="write"/>, for example from reading a source, are passed on unchanged.
    /// </exception>
    public static void Write(string path, Action<Stream> write, bool overwrite = true)
    {
        ArgumentNullException.ThrowIfNull(write);
        var full = Path.GetFullPath(path);
        RequireNoDevice(full);
        // In the same directory, because a rename across file systems is a copy. The name is random: two processes may write the same file.
        var temporary = Path.Combine(Path.GetDirectoryName(full)!, $".p2p-{Guid.NewGuid():N}.tmp");
        ExceptionDispatchInfo? ofSource = null;
        try
        {
            using (var file = Create(temporary, path))
            {
                var target = new TargetStream(file);
                try
                {
                    write(target);
                }
                catch (Exception e) when (!target.HasFailed)
                {
                    ofSource = ExceptionDispatchInfo.Capture(e);
                    throw;
                }

                // Flushed before the rename: otherwise a power failure can leave the new name without content.
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite);
        }
        catch (Exception e)
        {
            if (File.Exists(temporary))
                File.Delete(temporary);
            ofSource?.Throw();
            if (e is not (IOException or ArgumentOutOfRangeException { ParamName: FileLength }))
                throw;
            throw new IOException($"{path} cannot be written: {ReasonOf(e).Replace(temporary, path, StringComparison.Ordinal)}.", e);
        }
    }

    /// <summary>Rejects device paths such as <c>/dev/null</c>, because the rename would replace the device by a file.</summary>
    /// <exception cref="InvalidInputException">The path is a device.</exception>
    public static void RequireNoDevice(string path)
    {
        var full = Path.GetFullPath(path);
        if (full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal))
            throw new InvalidInputException($"{path} is a device. Use the path of a file.");
    }

    /// <summary>Whether a failure to write means that the disk is full.</summary>
    public static bool IsDiskFull(IOException failure) => failure.HResult == DiskFull;

    /// <summary>The reason why a file or directory could not be written, as the end of a sentence, with advice if possible.</summary>
    public static string ReasonOf(Exception failure) => failure switch
    {
        PathTooLongException => "the path is longer than the system allows; use a shorter one",
        UnauthorizedAccessException => "there is no permission to write there; choose another directory",
        IOException file when IsDiskFull(file) => "the disk is full; free some space, or choose a directory on another disk",
        // .NET's exception for the system's EFBIG.
        ArgumentOutOfRangeException => "the file would be larger than this shell allows (ulimit -f), or than the file system can hold; raise the limit, or choose a directory on another disk",
        IOException { HResult: ReadOnly } => "the file system is read-only; choose another directory",
        _ => failure.Message.TrimEnd('.'),
    };

    /// <summary>Writes a text file in UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteText(string path, string text, bool overwrite = true) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)), overwrite);

    private static FileStream Create(string temporary, string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new InvalidInputException($"{path} is a directory. Use the path of a file.");
            return new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, BufferSize);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new InvalidInputException($"{path} cannot be written: its directory does not exist. Create it first.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new InvalidInputException($"{path} cannot be written: there is no permission to write to its directory. Choose another one.", e);
        }
        catch (IOException e)
        {
            throw new InvalidInputException($"{path} cannot be written: {ReasonOf(e).Replace(temporary, path, StringComparison.Ordinal)}.", e);
        }
    }
    /// <summary>A stream that records whether it has failed, to distinguish its errors from those of the content's source.</summary>
    private sealed class TargetStream(FileStream file) : Stream
    {
        public bool HasFailed { get; private set; }

        public override bool CanRead => file.CanRead;

        public override bool CanSeek => file.CanSeek;

        public override bool CanWrite => file.CanWrite;

        public override long Length => file.Length;

        public override long Position
        {
            get => file.Position;
            set => Seek(value, SeekOrigin.Begin);
        }

        public override void Flush()
        {
            try
            {
                file.Flush();
            }
            catch (Exception) when (Failed())
            {
                throw;
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => file.Read(buffer, offset, count);

        // Seeking writes the buffer first.
        public override long Seek(long offset, SeekOrigin origin)
        {
            try
            {
                return file.Seek(offset, origin);
            }
            catch (Exception) when (Failed())
            {
                throw;
            }
        }

        public override void SetLength(long value)
        {
            try
            {
                file.SetLength(value);
            }
            catch (Exception) when (Failed())
            {
                throw;
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                file.Write(buffer);
            }
            catch (Exception) when (Failed())
            {
                throw;
            }
        }

        private bool Failed() => HasFailed = true;
    }
}
