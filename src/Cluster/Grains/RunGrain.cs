using Orleans.Concurrency;
using Orleans.Storage;
using PromptToPrompt.Cluster.Contracts;

namespace PromptToPrompt.Cluster.Grains;

/// <summary>A run: its complete shards are stored before they are acknowledged, its leases about once a second.</summary>
[Reentrant]
internal sealed class RunGrain : Grain, IRun, IRemindable
{
    private const string Watch = "watch";

    // A worker that still refuses says so again.
    private static readonly TimeSpan RefusalLifetime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan TickPeriod = TimeSpan.FromSeconds(1);

    private readonly IPersistentState<DescriptionState> description;
    private readonly IPersistentState<LedgerState> progress;
    private readonly CoordinatorSettings settings;
    private readonly CoalescedWriter writer;
    private readonly RateMeter rate = new();
    private readonly Dictionary<string, (string Problem, TimeSpan Time)> refusals = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim submitting = new(1);
    private readonly long started;

    // The state to store: that of the ledger, once there is one.
    private LedgerState state = new();
    private ShardLedger? ledger;
    private long storedChanges;
    private long storedLeases;
    private bool? marked;

    public RunGrain(
        [PersistentState("description", StorageNames.Runs)] IPersistentState<DescriptionState> description,
        [PersistentState("progress", StorageNames.Runs)] IPersistentState<LedgerState> progress,
        CoordinatorSettings settings)
    {
        (this.description, this.progress, this.settings) = (description, progress, settings);
        writer = new CoalescedWriter(Write);
        started = settings.Clock.GetTimestamp();
    }

    private TimeSpan Now => settings.Clock.GetElapsedTime(started);

    private string Id => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        state = progress.State;
        if (description.State.Run is { } run)
            await Begin(run);
        this.RegisterGrainTimer(Tick, new GrainTimerCreationOptions(TickPeriod, TickPeriod) { Interleave = true });
    }

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (ledger is not null && IsChanged)
            await writer.Save();
    }

    /// <inheritdoc/>
    public async Task<RunStatus> Submit(RunDescription run, Survey survey)
    {
        // A repeated call waits for the first one, which may still be storing.
        await submitting.WaitAsync();
        try
        {
            if (description.State.Run is not { } known || !known.IsSame(run))
                await Replace(run);
            var ledger = this.ledger ?? await Begin(run);
            ledger.Reset(survey);
            refusals.Clear();
            await writer.Save();
            await MarkInCatalog(ledger);
            await this.RegisterOrUpdateReminder(Watch, WatchPeriod, WatchPeriod);
            return StatusNow(ledger, run);
        }
        finally
        {
            submitting.Release();
        }
    }

    /// <inheritdoc/>
    public Task<RunStatus?> Status()
    {
        ledger?.Expire(Now);
        return Task.FromResult(ledger is null || description.State.Run is not { } run ? null : StatusNow(ledger, run));
    }

    /// <inheritdoc/>
    public Task<RunDescription?> Describe() => Task.FromResult(description.State.Run);

    /// <inheritdoc/>
    public Task<Lease?> Take(string worker)
    {
        refusals.Remove(worker);
        return Task.FromResult(ledger?.Take(worker, Now));
    }

    /// <inheritdoc/>
    public Task<LeaseState> Beat(string worker, Lease lease, Counts progress)
    {
        if (ledger is null)
            return Task.FromResult(LeaseState.Lost);
        var state = ledger.Beat(worker, lease, progress, Now);
        NoteRate();
        return Task.FromResult(state);
    }

    /// <inheritdoc/>
    public async Task<bool> Complete(string worker, Lease lease, Counts shard)
    {
        // Another run may take the folder while this one is being stored.
        if (this.ledger is not { } ledger)
            return false;
        var isNew = ledger.Complete(lease, shard);
        NoteRate();
        // Also if it was noted before: that write may have failed.
        if (storedChanges < ledger.Changes)
            await writer.Save();
        if (ledger.RunState != RunState.Open)
            await MarkInCatalog(ledger);
        return isNew;
    }

    /// <inheritdoc/>
    public async Task Release(string worker, Lease lease, LeaseEnd end, string? problem)
    {
        if (ledger is null)
            return;
        ledger.Release(worker, lease, end, problem, Now);
        if (storedChanges < ledger.Changes)
            await writer.Save();
    }

    /// <inheritdoc/>
    public Task Leave(string worker)
    {
        ledger?.Leave(worker, Now);
        refusals.Remove(worker);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task Reopen(Dictionary<int, Counts> shards)
    {
        if (this.ledger is not { } ledger)
            return;
        ledger.Reopen(shards);
        await writer.Save();
        await MarkInCatalog(ledger);
    }

    /// <inheritdoc/>
    public Task Refuse(string worker, string problem)
    {
        refusals[worker] = (problem, Now);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<bool> Cancel() => Change(ledger => ledger.Cancel());

    /// <inheritdoc/>
    public Task<bool> Resume() => Change(ledger => ledger.Resume());

    /// <inheritdoc/>
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        // The call itself activates the run after a restart, and the timer does the rest.
        await Tick(CancellationToken.None);
        if (ledger is null or { RunState: not RunState.Open } && await this.GetReminder(reminderName) is { } reminder)
            await this.UnregisterReminder(reminder);
    }

    private async Task<ShardLedger> Begin(RunDescription run)
    {
        state.Epoch = state.NextEpoch(settings.Clock.GetUtcNow());
        await writer.Save();
        ledger = new ShardLedger(state, run.Shards, settings.Lease, settings.MaxAttempts, Now);
        (storedChanges, storedLeases) = (ledger.Changes, ledger.LeaseChanges);
        return ledger;
    }

    // Gives the folder to another run. The progress is stored first: the new run must never be found with the complete shards of the earlier one.
    private async Task Replace(RunDescription run)
    {
        var earlier = description.State.Run;
        // Leases of the earlier run in this folder are over.
        ledger = null;
        var epoch = state.NextEpoch(settings.Clock.GetUtcNow());
        state = new LedgerState { Epoch = epoch, FirstEpoch = epoch + 1 };
        try
        {
            await writer.Save();
            description.State.Run = run;
            await description.WriteStateAsync();
        }
        catch
        {
            // Else the next attempt would find a known run, and never store it. The stored state decides how to go on.
            description.State.Run = earlier;
            DeactivateOnIdle();
            throw;
        }
    }

    private async Task<bool> Change(Action<ShardLedger> change)
    {
        if (this.ledger is not { } ledger)
            return false;
        change(ledger);
        await writer.Save();
        await MarkInCatalog(ledger);
        if (ledger.RunState == RunState.Open)
            await this.RegisterOrUpdateReminder(Watch, WatchPeriod, WatchPeriod);
        return true;
    }

    private bool IsChanged => ledger!.Changes != storedChanges || ledger.LeaseChanges != storedLeases;

    private async Task Tick(CancellationToken cancellationToken)
    {
        if (this.ledger is not { } ledger)
            return;
        ledger.Expire(Now);
        NoteRate();
        if (IsChanged)
            await writer.Save();
        if (ledger.RunState == RunState.Complete)
            refusals.Clear();
        if (ledger.RunState == RunState.Open != marked)
            await MarkInCatalog(ledger);
    }

    private async Task Write()
    {
        var written = ledger;
        var (changes, leases) = (written?.Changes ?? 0, written?.LeaseChanges ?? 0);
        if (written is not null)
            state.Leases = written.LeasesToStore();
        // The storage may read the state on another thread, while calls change it here.
        progress.State = state.Copy();
        try
        {
            await progress.WriteStateAsync();
        }
        catch (InconsistentStateException)
        {
            // A write whose answer was lost, or an activation on another coordinator: the stored state is the true one.
            DeactivateOnIdle();
            throw;
        }

        // The counts of a ledger that began meanwhile are its own.
        if (written is not null && written == ledger)
            (storedChanges, storedLeases) = (changes, leases);
    }

    private async Task MarkInCatalog(ShardLedger ledger)
    {
        // Another run has taken the folder, and marks itself.
        if (ledger != this.ledger)
            return;
        var isOpen = ledger.RunState == RunState.Open;
        await GrainFactory.GetGrain<ICatalog>(0).Mark(Id, isOpen);
        marked = isOpen;
    }

    private void NoteRate() => rate.Note(Now, ledger!.Done.Items);

    private RunStatus StatusNow(ShardLedger ledger, RunDescription run)
    {
        var now = Now;
        foreach (var old in refusals.Where(refusal => refusal.Value.Time + RefusalLifetime < now).Select(refusal => refusal.Key).ToList())
            refusals.Remove(old);
        var done = ledger.Done;
        var attempts = ledger.State.Attempts;
        return new RunStatus
        {
            Run = run,
            State = ledger.RunState,
            CompleteShards = ledger.CompleteShards,
            Done = done,
            Rate = ledger.RunState == RunState.Open ? rate.Rate(now, done.Items) : 0,
            Leases = ledger.LeaseStatuses(now),
            FailedShards = [.. attempts.Where(shard => shard.Value.IsGivenUp).OrderBy(shard => shard.Key).Select(shard => new FailedShard(shard.Key, shard.Value.Count, shard.Value.Problem))],
            Refusals = [.. refusals.OrderBy(refusal => refusal.Key, StringComparer.Ordinal).Select(refusal => new Refusal(refusal.Key, refusal.Value.Problem))],
            LastProblem = attempts.Values.LastOrDefault(shard => !shard.IsGivenUp)?.Problem,
        };
    }
}

/// <summary>The stored description of a run. It is written once, and again if the folder gets another run.</summary>
internal sealed class DescriptionState
{
    /// <summary>The run.</summary>
    public RunDescription? Run { get; set; }
}

/// <summary>Names of the storage providers.</summary>
internal static class StorageNames
{
    /// <summary>The storage of runs.</summary>
    public const string Runs = "runs";
}
