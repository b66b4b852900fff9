using PromptToPrompt.Cluster.Contracts;

namespace PromptToPrompt.Cluster.Grains;

/// <summary>
/// The shards of a run: complete, leased, given up or free. It knows neither the clock nor the storage: each call says the time, and the owner stores <see cref="State"/>.
/// </summary>
internal sealed class ShardLedger
{
    // A shard that a foreign process works on is offered again after this time.
    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(5);

    private readonly int shards;
    private readonly TimeSpan period;
    private readonly int maxAttempts;
    private readonly Dictionary<int, Held> leases = [];
    private readonly Dictionary<string, int> shardOf = new(StringComparer.Ordinal);

    // The newest lease of each shard that its worker gave back: a heartbeat that arrives late must not adopt it.
    private readonly Dictionary<int, long> released = [];

    // Shards below the next one that are free again: those that ended no worker come first.
    private readonly SortedSet<(int Attempts, int Shard)> returned = [];
    private readonly Dictionary<int, TimeSpan> pauses = [];
    private int next;
    private int complete;
    private int tokens;

    /// <summary>Creates the ledger of a run.</summary>
    /// <param name="state">The stored state, whose epoch is new.</param>
    /// <param name="shards">Number of shards.</param>
    /// <param name="period">Time after the last heartbeat at which a lease ends.</param>
    /// <param name="maxAttempts">Number of failed attempts after which a shard is given up.</param>
    /// <param name="now">The time.</param>
    public ShardLedger(LedgerState state, int shards, TimeSpan period, int maxAttempts, TimeSpan now)
    {
        (State, this.shards, this.period, this.maxAttempts) = (state, shards, period, maxAttempts);
        var bytes = (shards + 8) / 8;
        if (state.Complete.Length != bytes)
            state.Complete = [.. state.Complete.Take(bytes), .. new byte[Math.Max(0, bytes - state.Complete.Length)]];
        complete = Enumerable.Range(0, shards).Count(IsComplete);
        foreach (var lease in state.Leases.Where(lease => lease.Shard <= shards && !IsComplete(lease.Shard)))
            Hold(lease.Shard, lease.Token, lease.Worker, default, now);
    }

    /// <summary>The state to store.</summary>
    public LedgerState State { get; }

    /// <summary>Counts the changes of the state that must be stored before they are acknowledged.</summary>
    public long Changes { get; private set; }

    /// <summary>Counts the changes of leases.</summary>
    public long LeaseChanges { get; private set; }

    /// <summary>Number of complete shards.</summary>
    public int CompleteShards => complete;

    /// <summary>The numbers of the finished items, those of shards in progress included.</summary>
    public Counts Done => leases.Values.Aggregate(State.Done, (sum, lease) => sum + lease.Progress);

    /// <summary>Whether the data set as a whole is complete.</summary>
    public bool IsFinished => IsComplete(shards);

    /// <summary>The state of the run.</summary>
    public RunState RunState => IsFinished ? RunState.Complete : State.IsCancelled ? RunState.Cancelled
        : leases.Count == 0 && (complete == shards ? IsGivenUp(shards) : complete + GivenUp == shards) ? RunState.Incomplete : RunState.Open;

    // The completion of the whole, which is no shard, may be given up too.
    private int GivenUp => State.Attempts.Count(attempts => attempts.Key < shards && attempts.Value.IsGivenUp);

    /// <summary>Takes the complete shards from the files. Leases stay.</summary>
    public void Reset(Survey survey)
    {
        State.IsCancelled = false;
        State.Attempts.Clear();
        Array.Clear(State.Complete);
        survey.Complete.AsSpan(0, Math.Min(survey.Complete.Length, State.Complete.Length)).CopyTo(State.Complete);
        Set(shards, survey.IsFinished);
        State.Done = survey.Done;
        complete = Enumerable.Range(0, shards).Count(IsComplete);
        foreach (var shard in leases.Keys.Where(IsComplete).ToList())
            Drop(shard);
        (next, Changes) = (0, Changes + 1);
        returned.Clear();
        pauses.Clear();
    }

    /// <summary>Leases a shard; null if there is none at the moment.</summary>
    public Lease? Take(string worker, TimeSpan now)
    {
        Expire(now);
        if (State.IsCancelled || IsFinished)
            return null;
        // A worker that asks again did not get the last answer.
        if ((shardOf.TryGetValue(worker, out var own) ? own : Free(now)) is not { } shard)
            return null;
        var token = leases.TryGetValue(shard, out var held) ? held.Token : ((long)State.Epoch << 32) + ++tokens;
        Hold(shard, token, worker, held?.Progress ?? default, now);
        return new Lease(shard, token, period.TotalSeconds);
    }

    /// <summary>Renews or adopts a lease.</summary>
    public LeaseState Beat(string worker, Lease lease, Counts progress, TimeSpan now)
    {
        Expire(now);
        if (State.IsCancelled)
            return LeaseState.Cancelled;
        if (IsForeign(lease) || IsComplete(lease.Shard) || (released.TryGetValue(lease.Shard, out var last) && lease.Token <= last))
            return LeaseState.Lost;
        if (leases.TryGetValue(lease.Shard, out var held) && !IsOf(held, worker, lease))
            return LeaseState.Lost;
        Hold(lease.Shard, lease.Token, worker, progress, now);
        return LeaseState.Held;
    }

    /// <summary>Notes a complete shard. Another worker may have the lease: the files are there.</summary>
    /// <returns>False if it was complete before.</returns>
    public bool Complete(Lease lease, Counts counts)
    {
        if (IsForeign(lease) || IsComplete(lease.Shard))
            return false;
        Drop(lease.Shard);
        released.Remove(lease.Shard);
        // Shards may have been opened again since the lease of the whole.
        if (lease.Shard == shards && complete < shards)
            return false;
        Set(lease.Shard, true);
        State.Attempts.Remove(lease.Shard);
        State.Done += counts;
        complete += lease.Shard < shards ? 1 : 0;
        Changes++;
        return true;
    }

    /// <summary>Ends a lease without its shard being complete.</summary>
    public void Release(string worker, Lease lease, LeaseEnd end, string? problem, TimeSpan now)
    {
        if (!leases.TryGetValue(lease.Shard, out var held) || !IsOf(held, worker, lease))
            return;
        Drop(lease.Shard);
        released[lease.Shard] = lease.Token;
        if (end == LeaseEnd.Failed)
            Blame(lease.Shard, problem ?? "The shard failed.");
        if (end == LeaseEnd.Busy)
            pauses[lease.Shard] = now + BusyPause;
        Return(lease.Shard);
    }

    /// <summary>Ends the lease of a worker that stops, if it has one.</summary>
    public void Leave(string worker, TimeSpan now)
    {
        if (shardOf.TryGetValue(worker, out var shard))
            Release(worker, new Lease(shard, leases[shard].Token, period.TotalSeconds), LeaseEnd.Drained, problem: null, now);
    }

    /// <summary>Notes that files of complete shards were deleted.</summary>
    public void Reopen(IEnumerable<KeyValuePair<int, Counts>> deleted)
    {
        foreach (var (shard, counts) in deleted.Where(shard => shard.Key < shards && IsComplete(shard.Key)))
        {
            Set(shard, false);
            Set(shards, false);
            State.Attempts.Remove(shards);
            State.Done -= counts;
            complete--;
            Changes++;
            Return(shard);
        }
    }

    /// <summary>Cancels the run.</summary>
    public void Cancel()
    {
        State.IsCancelled = true;
        foreach (var shard in leases.Keys.ToList())
        {
            Drop(shard);
            Return(shard);
        }

        Changes++;
    }

    /// <summary>Opens a cancelled run, and frees the shards that were given up.</summary>
    public void Resume()
    {
        State.IsCancelled = false;
        foreach (var shard in State.Attempts.Keys.ToList())
        {
            State.Attempts.Remove(shard);
            Return(shard);
        }

        Changes++;
    }

    /// <summary>Ends the leases whose time is over.</summary>
    public void Expire(TimeSpan now)
    {
        foreach (var (shard, lease) in leases.Where(lease => lease.Value.Beat + period < now).ToList())
        {
            Drop(shard);
            Blame(shard, $"{lease.Worker} sent no heartbeat for {period.TotalSeconds:F0} s.");
            Return(shard);
        }
    }

    /// <summary>The leases to store.</summary>
    public List<StoredLease> LeasesToStore() => [.. leases.Select(lease => new StoredLease(lease.Key, lease.Value.Token, lease.Value.Worker))];

    /// <summary>The leases, for display.</summary>
    public LeaseStatus[] LeaseStatuses(TimeSpan now) =>
        [.. leases.OrderBy(lease => lease.Key).Select(lease => new LeaseStatus(lease.Value.Worker, lease.Key, lease.Value.Progress.Items, (now - lease.Value.Beat).TotalSeconds))];

    // A free shard: one that was never leased, else one that was returned. The whole data set is completed last.
    private int? Free(TimeSpan now)
    {
        returned.RemoveWhere(entry => IsComplete(entry.Shard));
        foreach (var (attempts, shard) in returned.TakeWhile(entry => entry.Attempts == 0))
        {
            if (MayTake(shard))
                return Taken(shard, attempts);
        }

        for (; next < shards; next++)
        {
            if (MayTake(next) && !State.Attempts.ContainsKey(next))
                return next++;
            if (MayTake(next))
                Return(next);
        }

        foreach (var (attempts, shard) in returned)
        {
            if (MayTake(shard))
                return Taken(shard, attempts);
        }

        return complete == shards && MayTake(shards) ? shards : null;

        bool MayTake(int shard) =>
            !IsComplete(shard) && !leases.ContainsKey(shard) && !IsGivenUp(shard) && !(pauses.TryGetValue(shard, out var until) && now < until);

        int Taken(int shard, int attempts)
        {
            returned.Remove((attempts, shard));
            pauses.Remove(shard);
            return shard;
        }
    }

    private void Hold(int shard, long token, string worker, Counts progress, TimeSpan now)
    {
        if (!leases.TryGetValue(shard, out var held) || held.Worker != worker)
            LeaseChanges++;
        if (shardOf.TryGetValue(worker, out var other) && other != shard && leases.Remove(other))
            Return(other);
        leases[shard] = new Held(token, worker, progress, now);
        shardOf[worker] = shard;
    }

    private void Drop(int shard)
    {
        if (!leases.Remove(shard, out var held))
            return;
        shardOf.Remove(held.Worker);
        LeaseChanges++;
    }

    private void Return(int shard)
    {
        if (shard < shards && !IsGivenUp(shard))
            returned.Add((State.Attempts.GetValueOrDefault(shard)?.Count ?? 0, shard));
    }

    private void Blame(int shard, string problem)
    {
        var count = 1 + (State.Attempts.TryGetValue(shard, out var earlier) ? earlier.Count : 0);
        State.Attempts[shard] = new Attempts(count, problem, count >= maxAttempts);
        Changes++;
    }

    // Tokens may repeat after the storage was lost, names of workers do not.
    private static bool IsOf(Held held, string worker, Lease lease) => held.Token == lease.Token && held.Worker == worker;

    private bool IsGivenUp(int shard) => State.Attempts.TryGetValue(shard, out var attempts) && attempts.IsGivenUp;

    private bool IsForeign(Lease lease) => lease.Shard > shards || lease.Token >> 32 < State.FirstEpoch;

    private bool IsComplete(int shard) => (State.Complete[shard >> 3] & (1 << (shard & 7))) != 0;

    private void Set(int shard, bool value) =>
        State.Complete[shard >> 3] = (byte)(value ? State.Complete[shard >> 3] | (1 << (shard & 7)) : State.Complete[shard >> 3] & ~(1 << (shard & 7)));

    private sealed record Held(long Token, string Worker, Counts Progress, TimeSpan Beat);
}
