using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Studio.Clusters;

/// <summary>The runs of a cluster, for all visitors. Coordinators are asked at most once a second, also if they do not answer.</summary>
/// <param name="options">The options, with a cluster.</param>
/// <param name="clock">The clock.</param>
internal sealed class ClusterRuns(StudioOptions options, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim asking = new(1);
    private readonly SemaphoreSlim opening = new(1);
    private ClusterLink? link;
    private (ClusterView? View, ClusterException? Problem, long Time)? last;

    /// <summary>The runs and workers.</summary>
    /// <exception cref="ClusterException">No coordinator answers.</exception>
    public async Task<ClusterView> Look(CancellationToken cancellationToken)
    {
        await asking.WaitAsync(cancellationToken);
        try
        {
            if (last is not { } known || clock.GetElapsedTime(known.Time) > Freshness)
                last = known = await LookNow(cancellationToken);
            // Visitors who waited for the same failed question do not ask it one after another.
            return known.View ?? throw new ClusterException(known.Problem!.Message, known.Problem);
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
        // It does not wait for visitors who look, and the next look shows its effect.
        var isKnown = await Ask(grains => grains.GetGrain<IRun>(run).Cancel(), cancellationToken);
        await asking.WaitAsync(cancellationToken);
        last = null;
        asking.Release();
        return isKnown;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (link is not null)
            await link.DisposeAsync();
        asking.Dispose();
        opening.Dispose();
    }

    private async Task<(ClusterView? View, ClusterException? Problem, long Time)> LookNow(CancellationToken cancellationToken)
    {
        try
        {
            return (await Ask(ClusterView.Of, cancellationToken), null, clock.GetTimestamp());
        }
        catch (ClusterException e)
        {
            return (null, e, clock.GetTimestamp());
        }
    }

    private async Task<T> Ask<T>(Func<IGrainFactory, Task<T>> call, CancellationToken cancellationToken)
    {
        await opening.WaitAsync(cancellationToken);
        try
        {
            link ??= await ClusterLink.Open(options.Cluster!, cancellationToken: cancellationToken);
        }
        finally
        {
            opening.Release();
        }

        return await link.CallWithin(call, AnswerLimit, cancellationToken);
    }
}
