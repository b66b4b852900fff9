using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Studio.Clusters;

/// <summary>The runs of a cluster, for all visitors. Coordinators are asked at most once a second.</summary>
/// <param name="options">The options, with a cluster.</param>
/// <param name="clock">The clock.</param>
internal sealed class ClusterRuns(StudioOptions options, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim asking = new(1);
    private ClusterLink? link;
    private (ClusterView View, long Time)? last;

    /// <summary>The runs and workers.</summary>
    /// <exception cref="ClusterException">No coordinator answers.</exception>
    public async Task<ClusterView> Look(CancellationToken cancellationToken)
    {
        await asking.WaitAsync(cancellationToken);
        try
        {
            if (last is not { } known || clock.GetElapsedTime(known.Time) > Freshness)
                last = (await Ask(ClusterView.Of, cancellationToken), clock.GetTimestamp());
            return last.Value.View;
        }
        finally
        {
            asking.Release();
        }
    }

    /// <summary>Cancels a run.</summary>
    /// <returns>False if there is no such run.</returns>
    /// <exception cref="ClusterException">No coordinator answers.</exception>
    public async Task<bool> Cancel(string run, CancellationToken cancellationToken)
    {
        await asking.WaitAsync(cancellationToken);
        try
        {
            last = null;
            return await Ask(grains => grains.GetGrain<IRun>(run).Cancel(), cancellationToken);
        }
        finally
        {
            asking.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (link is not null)
            await link.DisposeAsync();
        asking.Dispose();
    }

    private async Task<T> Ask<T>(Func<IGrainFactory, Task<T>> call, CancellationToken cancellationToken)
    {
        link ??= await ClusterLink.Open(options.Cluster!, cancellationToken: cancellationToken);
        return await link.CallWithin(call, AnswerLimit, cancellationToken);
    }
}
