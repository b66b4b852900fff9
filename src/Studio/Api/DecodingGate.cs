namespace PromptToPrompt.Studio.Api;

/// <summary>Limits how many images requests decode at once: a photograph takes some hundred megabytes while it is decoded.</summary>
internal sealed class DecodingGate : IDisposable
{
    private readonly SemaphoreSlim free = new(2);

    /// <summary>Waits for its turn, then decodes.</summary>
    public async Task<T> Run<T>(Func<T> decode, CancellationToken cancellationToken)
    {
        await free.WaitAsync(cancellationToken);
        try
        {
            return decode();
        }
        finally
        {
            free.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => free.Dispose();
}
