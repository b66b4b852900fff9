using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Hosting;

namespace PromptToPrompt.Cluster.Work;

/// <summary>
/// Leases shards and makes them, one after another. The work runs on a thread of its own; heartbeats go beside it, so that a lease lasts however long an item takes.
/// While coordinators are away, the work continues until its shard is finished.
/// </summary>
/// <param name="link">The connection.</param>
/// <param name="settings">Settings.</param>
/// <param name="open">Prepares to make shards of a run. An error means that this worker cannot.</param>
internal sealed class ShardWorker(ClusterLink link, WorkerSettings settings, Func<RunDescription, CancellationToken, ShardMaker> open)
{
    private static readonly TimeSpan LongestBeat = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    // A run whose coordinator does not answer must not keep the worker from the other runs. A new connection is made before.
    private static readonly TimeSpan TakeLimit = TimeSpan.FromSeconds(45);

    private readonly TimeProvider clock = TimeProvider.System;
    private readonly Dictionary<string, long> refused = new(StringComparer.Ordinal);

    // The runs that may have given a lease to this worker that it does not know of.
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);

    // Failed tries to complete the data set of each run.
    private readonly Dictionary<string, int> unfinished = new(StringComparer.Ordinal);
    private RunDescription? current;
    private ShardMaker? maker;
    private int failures;
    private long items;

    /// <summary>Whether it left an unfinished shard to others when it was asked to stop.</summary>
    public bool LeftShard { get; private set; }

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
            await Task.WhenAll(asked.Select(run => Farewell(grains => grains.GetGrain<IRun>(run).Leave(settings.Id))).Append(Farewell(grains => grains.GetGrain<IFleet>(0).Leave(settings.Id))));
        }
    }

    private bool IsRefused(string run) => refused.TryGetValue(run, out var time) && clock.GetElapsedTime(time) < settings.RetryRefused;

    private async Task<(string Run, Lease Lease)?> TakeAny(IEnumerable<string> runs, CancellationToken drain)
    {
        foreach (var run in runs.Where(run => !IsRefused(run)))
        {
            // Until the answer comes, and while it works, a worker that stops must return the lease.
            asked.Add(run);
            try
            {
                if (await link.CallWithin(grains => grains.GetGrain<IRun>(run).Take(settings.Id), TakeLimit, drain) is { } lease)
                    return (run, lease);
                asked.Remove(run);
            }
            catch (ClusterException)
            {
                // The other runs may have coordinators that answer.
            }
        }

        return null;
    }

    private async Task Work(string run, Lease lease, CancellationToken drain)
    {
        await MakeLeased(run, lease, drain);
        asked.Remove(run);
    }

    private async Task MakeLeased(string run, Lease lease, CancellationToken drain)
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
            {
                LeftShard = true;
                await Farewell(grains => grains.GetGrain<IRun>(run).Release(settings.Id, lease, LeaseEnd.Drained, null));
            }
            else
            {
                var reason = await beating == LeaseState.Cancelled ? "the run was cancelled" : "its lease has ended (another worker has the shard or has completed it, another command replaced the run, or the coordinators were restarted)";
                settings.Say?.Invoke($"{run}: {description.NameOf(lease.Shard)} is left: {reason}. Finished items are kept.");
            }

            return;
        }
        catch (RunRefusedException e)
        {
            refused[run] = clock.GetTimestamp();
            settings.Say?.Invoke($"{run}: {e.Message}");
            await Tell(grains => grains.GetGrain<IRun>(run).Release(settings.Id, lease, LeaseEnd.Drained, null), drain);
            await Tell(grains => grains.GetGrain<IRun>(run).Refuse(settings.Id, e.Message), drain);
            return;
        }
        catch (Exception e)
        {
            await Fail(description, lease, e, drain);
            return;
        }
        finally
        {
            await ended.CancelAsync();
            await beating;
        }

        if (made is not { } counts)
        {
            await Tell(grains => grains.GetGrain<IRun>(run).Release(settings.Id, lease, LeaseEnd.Busy, null), drain);
            return;
        }

        (failures, items) = (0, items + counts.Items);
        // The files are complete, so even a worker that stops says so.
        await Tell(grains => grains.GetGrain<IRun>(run).Complete(settings.Id, lease, counts), drain);
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
                throw new RunRefusedException(e.Message, e);
            }

            current = run;
        }

        if (lease.Shard == run.Shards)
        {
            return Finish(run.Id, maker) ? default(Counts) : null;
        }

        progress.Report(maker.Survey(lease.Shard));
        return maker.Make(lease.Shard, progress, MayCommit, stop);

        bool MayCommit() => link.Call(grains => grains.GetGrain<IRun>(run.Id).Beat(settings.Id, lease, progress.Value), stop).GetAwaiter().GetResult() == LeaseState.Held;
    }

    // The last answer: that which ended the work, if one did.
    private async Task<LeaseState> Beat(RunDescription run, Lease lease, Latest progress, CancellationTokenSource lost, CancellationToken ended)
    {
        var period = TimeSpan.FromSeconds(Math.Min(lease.Seconds / 4, LongestBeat.TotalSeconds));
        try
        {
            while (true)
            {
                // The list of workers may be with a coordinator that is away, and must not keep heartbeats from the others.
                await ReportWithin(period, run.Id, lease.Shard, progress.Value.Items, ended);
                await Task.Delay(period, ended);
                var state = await link.Call(grains => grains.GetGrain<IRun>(run.Id).Beat(settings.Id, lease, progress.Value), ended);
                if (state == LeaseState.Held)
                    continue;
                await lost.CancelAsync();
                return state;
            }
        }
        catch (OperationCanceledException)
        {
            // The work has ended.
            return LeaseState.Held;
        }
    }

    private async Task Fail(RunDescription description, Lease lease, Exception problem, CancellationToken drain)
    {
        var run = description.Id;
        settings.Say?.Invoke($"{run}: {description.NameOf(lease.Shard)} failed: {problem.Message}");
        if (problem is ShardsDeletedException deleted)
            await Tell(grains => grains.GetGrain<IRun>(run).Reopen(new(deleted.Shards)), drain);
        await Tell(grains => grains.GetGrain<IRun>(run).Release(settings.Id, lease, LeaseEnd.Failed, problem.Message), drain);
        // The cause may be this machine's, such as a full disk: others get the shard meanwhile.
        var pause = TimeSpan.FromSeconds(Math.Pow(2, failures++));
        await Task.Delay(pause < LongestPause ? pause : LongestPause, drain);
    }

    // False: the completion is tried again later.
    private bool Finish(string run, ShardMaker maker)
    {
        try
        {
            maker.Finish();
            unfinished.Remove(run);
            return true;
        }
        catch (ShardsMissingException)
        {
            unfinished[run] = unfinished.GetValueOrDefault(run) + 1;
            if (unfinished[run] >= settings.FinishTries)
                throw;
            return false;
        }
    }

    private Task Report(string? run, int? shard, CancellationToken cancellationToken) => link.Call(grains => grains.GetGrain<IFleet>(0).Report(Self(run, shard, items)), cancellationToken);

    private async Task ReportWithin(TimeSpan limit, string run, int shard, long inProgress, CancellationToken cancellationToken)
    {
        try
        {
            await link.CallWithin(
                async grains =>
                {
                    await grains.GetGrain<IFleet>(0).Report(Self(run, shard, items + inProgress));
                    return true;
                },
                limit,
                cancellationToken);
        }
        catch (ClusterException)
        {
            // The next report has newer numbers.
        }
    }

    private WorkerStatus Self(string? run, int? shard, long done) => new() { Id = settings.Id, Device = settings.Device, Run = run, Shard = shard, Items = done };

    // Says how the work on a shard ended. A worker that is asked to stop meanwhile says so too, but not for long.
    private async Task Tell(Func<IGrainFactory, Task> call, CancellationToken drain)
    {
        try
        {
            await link.Call(call, drain);
        }
        catch (OperationCanceledException) when (drain.IsCancellationRequested)
        {
            await Farewell(call);
        }
    }

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
