namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>
/// A lock for the process that writes a blob. It is compatible with the hub's own tools (<c>flock</c>), which may run concurrently.
/// </summary>
internal sealed class BlobLock : IDisposable
{
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(500);
    private readonly FileStream file;

    private BlobLock(FileStream file) => this.file = file;

    /// <summary>Waits until the lock is free and acquires it.</summary>
    /// <exception cref="InvalidInputException">The lock file cannot be created.</exception>
    public static async Task<BlobLock> TakeAsync(string path, Func<TimeSpan, string, CancellationToken, Task> pause, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new BlobLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException e) when (e.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
            {
                await pause(BetweenTries, "another process is downloading it", cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InvalidInputException($"The lock {path} cannot be acquired ({e.Message}). Check the owner of the cache directory, or choose another one with HF_HUB_CACHE.", e);
            }
        }
    }

    // The file is not deleted, because another process may have just opened it.
    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
