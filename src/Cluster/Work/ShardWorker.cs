using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;

namespace PromptToPrompt.Cluster.Work;

/// <summary>
/// Leases shards and makes them, one after another. The work runs on a thread of its own; heartbeats go beside it, so that a lease lasts however long an item takes.
/// While coordinators are away, the work goes on until its shard is finished.
/// </summary>
/// <param name="link">The connection.</param>
/// <param name="settings">Settings.</param>
/// <param name="open">Prepares to make shards of a run. An error means that this worker cannot.</param>
internal sealed class ShardWorker(ClusterLink link, WorkerSettings settings, Func<RunDescription, CancellationToken, ShardMaker> open)
{
    private static readonly TimeSpan LongestBeat = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly TimeProvider clock = TimeProvider.System;
    private readonly Dictionary<string, long> refused = new(StringComparer.Ordinal);
    private RunDescription? current;
    private ShardMaker? maker;
    private int failures;
    private long items;

    /// <summary>Works until there is nothing to do, if the settings say so, or until it is asked to stop.</summary>
    /// <param name="drain">Asks it to stop: the current item is given up, finished ones are kept, and the lease is released.</param>
    /// <exception cref="OperationCanceledException">It was asked to stop.</exception>
    public async Task Run(CancellationToken drain)
    {
        try
        {
            while (true)
            {
                drain.ThrowIfCancellationRequested();
                // The run whose model is loaded comes first.
                if (current is not null && await TakeAny([current.Id], drain) is { } next)
                {
                    await Work(next.Run, next.Lease, drain);
                    continue;
                }

                var runs = await link.Call(grains => grains.GetGrain<ICatalog>(0).Open(), drain);
                if (await TakeAny(runs, drain) is { } taken)
                {
                    await Work(taken.Run, taken.Lease, drain);
                    continue;
                }

                await Report(run: null, shard: null, drain);
                if (settings.EndsWhenIdle && runs.All(IsRefused))
                    return;
                await Task.Delay(settings.Poll, drain);
            }
        }
        finally
        {
            maker?.Dispose();
            await Farewell(grains => grains.GetGrain<IFleet>(0).Leave(settings.Id));
        }
    }

    private bool IsRefused(string run) => refused.TryGetValue(run, out var time) && clock.GetElapsedTime(time) < settings.RetryRefused;

    private async Task<(string Run, Lease Lease)?> TakeAny(IEnumerable<string> runs, CancellationToken drain)
    {
        foreach (var run in runs.Where(run => !IsRefused(run)))
        {
            if (await link.Call(grains => grains.GetGrain<IRun>(run).Take(settings.Id), drain) is { } lease)
                return (run, lease);
        }

        return null;
    }

    private async Task Work(string run, Lease lease, CancellationToken drain)
    {
        if (await link.Call(grains => grains.GetGrain<IRun>(run).Describe(), drain) is not { } description)
            return;
        using var lost = new CancellationTokenSource();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(drain, lost.Token);
        using var ended = new CancellationTokenSource();
        var progress = new Latest();
        var making = Task.Factory.StartNew(() => Make(description, lease, progress, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var beating = Beat(description, lease, progress, lost, ended.Token);
        Counts? made;
        try
        {
            made = await making;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            if (drain.IsCancellationRequested)
                await Farewell(grains => grains.GetGrain<IRun>(run).Release(settings.Id, lease, LeaseEnd.Drained, null));
            else
                settings.Say?.Invoke($"{run}: shard {lease.Shard} is given up: the run was cancelled, or another worker has the shard.");
            return;
        }
        catch (RefusedException e)
        {
            refused[run] = clock.GetTimestamp();
            settings.Say?.Invoke($"{run}: {e.Message}");
            await link.Call(grains => grains.GetGrain<IRun>(run).Release(settings.Id, lease, LeaseEnd.Drained, null), drain);
            await link.Call(grains => grains.GetGrain<IRun>(run).Refuse(settings.Id, e.Message), drain);
            return;
        }
        catch (Exception e)
        {
            await Fail(run, lease, e, drain);
            return;
        }
        finally
        {
            await ended.CancelAsync();
            await beating;
        }

        if (made is not { } counts)
        {
            await link.Call(grains => grains.GetGrain<IRun>(run).Release(settings.Id, lease, LeaseEnd.Busy, null), drain);
            return;
        }

        (failures, items) = (0, items + counts.Items);
        // The files are complete, so even a worker that stops says so.
        if (drain.IsCancellationRequested)
            await Farewell(grains => grains.GetGrain<IRun>(run).Complete(settings.Id, lease, counts));
        else
            await link.Call(grains => grains.GetGrain<IRun>(run).Complete(settings.Id, lease, counts), drain);
        if (lease.Shard < description.Shards)
            settings.Say?.Invoke($"{run}: shard {lease.Shard} is complete ({counts.Items} items, {counts.Kept} of {counts.Made} pairs kept{(counts.Failed > 0 ? $", {counts.Failed} failed" : "")}).");
    }

    // Runs on the thread of the work.
    private Counts? Make(RunDescription run, Lease lease, Latest progress, CancellationToken stop)
    {
        if (maker is null || current?.IsSame(run) != true)
        {
            maker?.Dispose();
            (maker, current) = (null, null);
            try
            {
                maker = open(run, stop);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new RefusedException(e.Message, e);
            }

            current = run;
        }

        if (lease.Shard == run.Shards)
        {
            maker.Finish();
            return default(Counts);
        }

        progress.Report(maker.Survey(lease.Shard));
        return maker.Make(lease.Shard, progress, MayCommit, stop);

        bool MayCommit() => link.Call(grains => grains.GetGrain<IRun>(run.Id).Beat(settings.Id, lease, progress.Value), stop).GetAwaiter().GetResult() == LeaseState.Held;
    }

    private async Task Beat(RunDescription run, Lease lease, Latest progress, CancellationTokenSource lost, CancellationToken ended)
    {
        var period = TimeSpan.FromSeconds(Math.Min(lease.Seconds / 4, LongestBeat.TotalSeconds));
        try
        {
            while (true)
            {
                await Report(run.Id, lease.Shard, ended, progress.Value.Items);
                await Task.Delay(period, ended);
                if (await link.Call(grains => grains.GetGrain<IRun>(run.Id).Beat(settings.Id, lease, progress.Value), ended) == LeaseState.Held)
                    continue;
                await lost.CancelAsync();
                return;
            }
        }
        catch (OperationCanceledException)
        {
            // The work has ended.
        }
    }

    private async Task Fail(string run, Lease lease, Exception problem, CancellationToken drain)
    {
        settings.Say?.Invoke($"{run}: shard {lease.Shard} failed: {problem.Message}");
        if (problem is ShardsDeletedException deleted)
            await link.Call(grains => grains.GetGrain<IRun>(run).Reopen(new(deleted.Shards)), drain);
        await link.Call(grains => grains.GetGrain<IRun>(run).Release(settings.Id, lease, LeaseEnd.Failed, problem.Message), drain);
        // The cause may be this machine's, such as a full disk: others get the shard meanwhile.
        var pause = TimeSpan.FromSeconds(Math.Pow(2, failures++));
        await Task.Delay(pause < LongestPause ? pause : LongestPause, drain);
    }

    private Task Report(string? run, int? shard, CancellationToken cancellationToken, long inProgress = 0) => link.Call(
        grains => grains.GetGrain<IFleet>(0).Report(new WorkerStatus { Id = settings.Id, Device = settings.Device, Run = run, Shard = shard, Items = items + inProgress }), cancellationToken);

    // A worker that ends does not wait for coordinators that are away.
    private async Task Farewell(Func<IGrainFactory, Task> call)
    {
        using var limit = new CancellationTokenSource(FarewellLimit);
        try
        {
            await link.Call(call, limit.Token);
        }
        catch (OperationCanceledException)
        {
            // The lease ends by itself.
        }
    }

    private sealed class RefusedException(string message, Exception cause) : Exception(message, cause);

    private sealed class Latest : IProgress<Counts>
    {
        private readonly Lock gate = new();
        private Counts value;

        public Counts Value
        {
            get
            {
                lock (gate)
                    return value;
            }
        }

        public void Report(Counts value)
        {
            lock (gate)
                this.value = value;
        }
    }
}
