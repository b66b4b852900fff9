namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Brings models of the hub into the cache, as the hub's own tools would.</summary>
/// <param name="settings">Where the hub and the cache are.</param>
public sealed class ModelPull(HubSettings settings)
{
    /// <summary>Waits between tries.</summary>
    public Func<TimeSpan, CancellationToken, Task> Wait { get; init; } = Task.Delay;

    /// <summary>The free bytes where a folder is.</summary>
    public Func<string, long> FreeSpace { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>Fetches what is not here yet.</summary>
    /// <exception cref="InvalidInputException">It cannot be had; the message says why and what to do. What was fetched is kept.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; the next run goes on from there.</exception>
    public async Task<PulledModel> RunAsync(PullRequest request, IProgress<PullProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (settings.IsOffline)
            throw new InvalidInputException("HF_HUB_OFFLINE is set, so nothing is fetched; unset it to pull models.");
        var cache = new HubCache(settings.CacheFolder).Repository(request.Repository);
        cache.Create();
        var meter = new PullMeter(progress, Wait);
        using var client = new HubClient(settings, request.Repository, HubRevision.Parse(request.Revision), meter.PauseAsync);
        return await new PullRun(request, client, cache, meter, FreeSpace, cancellationToken).RunAsync().ConfigureAwait(false);
    }
}
