namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Downloads models from the hub into the cache, in the same layout as the hub's own tools.</summary>
/// <param name="settings">The hub and the cache.</param>
internal sealed class ModelPull(HubSettings settings)
{
    /// <summary>Waits between attempts.</summary>
    public Func<TimeSpan, CancellationToken, Task> Wait { get; init; } = Task.Delay;

    /// <summary>The free bytes on the disk of a directory.</summary>
    public Func<string, long> FreeSpace { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>Downloads the files that are not in the cache yet.</summary>
    /// <exception cref="InvalidInputException">The download failed; the message gives the reason and advice. Downloaded data is
    /// kept.</exception>
    /// <exception cref="OperationCanceledException">The download was canceled; the next run resumes it.</exception>
    public async Task<PulledModel> RunAsync(PullRequest request, IProgress<PullProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (settings.IsOffline)
            throw new InvalidInputException("HF_HUB_OFFLINE is set, so nothing can be downloaded. Unset it to download models.");
        var cache = new HubCache(settings.CacheFolder).Repository(request.Repository);
        cache.Create();
        var meter = new PullMeter(progress, Wait);
        using var client = new HubClient(settings, request.Repository, HubRevision.Parse(request.Revision), meter.PauseAsync);
        return await new PullRun(request, client, cache, meter, FreeSpace, cancellationToken).RunAsync().ConfigureAwait(false);
    }
}
