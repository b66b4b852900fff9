namespace PromptToPrompt.Batch.Shards;

/// <summary>Keeps other processes from a shard. The system releases it when the process ends, however it ends.</summary>
internal sealed class ShardLock : IDisposable
{
    // Error numbers of a file that another process holds open, of Linux, macOS and Windows.
    private const int TryAgain = 11;
    private const int TryAgainOfMac = 35;
    private const int SharingViolation = 32;

    // Error number of a folder that another process deletes at the moment at which it is to be created.
    private const int AlreadyExists = 17;

    private readonly FileStream file;

    private ShardLock(FileStream file) => this.file = file;

    /// <summary>Takes the lock; null if another process has it.</summary>
    /// <exception cref="IOException">The file cannot be created.</exception>
    public static ShardLock? TryTake(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return new ShardLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1));
        }
        catch (IOException e) when ((e.HResult & 0xFFFF) is TryAgain or TryAgainOfMac or SharingViolation)
        {
            return null;
        }
        catch (IOException e) when (e is DirectoryNotFoundException || (e.HResult & 0xFFFF) == AlreadyExists)
        {
            // Another process has completed the data set and deletes the folder.
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
