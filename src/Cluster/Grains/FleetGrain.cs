using PromptToPrompt.Cluster.Contracts;

namespace PromptToPrompt.Cluster.Grains;

/// <summary>The workers that reported lately.</summary>
internal sealed class FleetGrain(CoordinatorSettings settings) : Grain, IFleet
{
    // A worker that was killed stays visible for this time.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    private readonly Dictionary<string, (WorkerStatus Status, long Time)> workers = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public Task Report(WorkerStatus worker)
    {
        workers[worker.Id] = (worker, settings.Clock.GetTimestamp());
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task Leave(string worker)
    {
        workers.Remove(worker);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<WorkerStatus[]> Workers()
    {
        foreach (var old in workers.Where(worker => Age(worker.Value.Time) > Lifetime).Select(worker => worker.Key).ToList())
            workers.Remove(old);
        return Task.FromResult<WorkerStatus[]>([.. workers.OrderBy(worker => worker.Key, StringComparer.Ordinal).Select(worker => worker.Value.Status with { SecondsSinceReport = Age(worker.Value.Time).TotalSeconds })]);
    }

    private TimeSpan Age(long time) => settings.Clock.GetElapsedTime(time);
}
