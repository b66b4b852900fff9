using System.Runtime.ExceptionServices;
using System.Text;

namespace PromptToPrompt.Diffusion.Storage.Files;

/// <summary>
/// Writes files that are whole or not there: the content goes to a temporary name in the same folder, which is renamed when complete.
/// </summary>
internal static class AtomicFile
{
    private const int BufferSize = 1 << 20;

    private const string FileLength = "value";

    // Numbers of the system's errors, which .NET gives unchanged.
    private const int DiskFull = 28;
    private const int ReadOnly = 30;

    /// <summary>
    /// Writes a file through <paramref name="write"/>. When that throws, the temporary file is deleted and an older file of that name stays.
    /// </summary>
    /// <param name="path">The file to create or replace. Its folder must exist.</param>
    /// <param name="write">Writes the content to the stream it is given, which can seek.</param>
    /// <exception cref="InvalidInputException">A file cannot be created under that path.</exception>
    /// <exception cref="IOException">
    /// The content could not be written, for example because the disk is full; the message is one line that says so. What else <paramref name="write"/>
    /// throws, for example because it cannot read a source, comes through unchanged.
    /// </exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var full = Path.GetFullPath(path);
        RequireNoDevice(full);
        // In the same folder, since a rename across file systems is a copy. The name is random: two processes may write one file.
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

                // On the disk before the rename: otherwise a power cut can leave the new name with the content missing.
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
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

    /// <summary>Refuses a path under which renaming would put a file in a device's place, as <c>/dev/null</c>.</summary>
    /// <exception cref="InvalidInputException">It is one.</exception>
    public static void RequireNoDevice(string path)
    {
        var full = Path.GetFullPath(path);
        if (full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal))
            throw new InvalidInputException($"{path} is a device; give the name of a file.");
    }

    /// <summary>Why a file or folder could not be written, as the end of a sentence that says what to do where that is known.</summary>
    public static string ReasonOf(Exception failure) => failure switch
    {
        PathTooLongException => "the path is longer than the system allows; give a shorter one",
        UnauthorizedAccessException => "there is no permission to write there; choose another folder",
        IOException { HResult: DiskFull } => "the disk is full; free some space, or choose a folder on another disk",
        // What .NET makes of the system's EFBIG.
        ArgumentOutOfRangeException => "the file would be larger than this shell allows (ulimit -f), or than the file system can hold; raise the limit, or choose a folder on another disk",
        IOException { HResult: ReadOnly } => "the file system is read-only; choose another folder",
        _ => failure.Message.TrimEnd('.'),
    };

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
            throw new InvalidInputException($"{path} cannot be written: {ReasonOf(e).Replace(temporary, path, StringComparison.Ordinal)}.", e);
        }
    }
    /// <summary>A file that knows whether it failed, so that a failure of what its content comes from is not taken for its own.</summary>
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

        // Writes what is in the buffer first.
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
