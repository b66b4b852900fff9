using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Api;

/// <summary>Lets requests decode one image at a time: a photograph takes some hundred megabytes while it is decoded, and a small file may hold as many pixels.</summary>
internal sealed class DecodingGate : IDisposable
{
    private readonly SemaphoreSlim free = new(1);

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
            LargeArrays.Collect();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => free.Dispose();
}
