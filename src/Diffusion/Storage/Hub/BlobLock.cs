namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Held by the one process that writes a blob. It is the lock that the hub's own tools take (<c>flock</c>), so that they can run at once.</summary>
internal sealed class BlobLock : IDisposable
{
    private const int WouldBlock = 11;
    private const int WouldBlockOnMac = 35;
    private const int SharingViolation = unchecked((int)0x80070020);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(500);
    private readonly FileStream file;

    private BlobLock(FileStream file) => this.file = file;

    /// <summary>Takes the lock, when it is free.</summary>
    /// <exception cref="InvalidInputException">Its file cannot be made.</exception>
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
                await pause(BetweenTries, "another process is fetching it", cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InvalidInputException($"The lock {path} cannot be taken ({e.Message}); check who owns the cache folder, or choose another with HF_HUB_CACHE.", e);
            }
        }
    }

    // The file stays: whoever deleted it could take it from under someone who has just opened it.
    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
