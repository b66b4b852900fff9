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
    private readonly long started;
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
        if (description.State.Run is not { } known || !known.IsSame(run))
        {
            // Leases of the earlier run in this folder are over.
            ledger = null;
            progress.State = new LedgerState { Epoch = progress.State.Epoch, FirstEpoch = progress.State.Epoch + 1 };
            description.State.Run = run;
            await description.WriteStateAsync();
        }

        if (ledger is null)
            await Begin(run);
        ledger!.Reset(survey);
        refusals.Clear();
        await writer.Save();
        await MarkInCatalog();
        await this.RegisterOrUpdateReminder(Watch, WatchPeriod, WatchPeriod);
        return StatusNow(run);
    }

    /// <inheritdoc/>
    public Task<RunStatus?> Status()
    {
        ledger?.Expire(Now);
        return Task.FromResult(ledger is null ? null : StatusNow(description.State.Run!));
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
        if (ledger is null)
            return false;
        var isNew = ledger.Complete(lease, shard);
        NoteRate();
        // Also if it was noted before: that write may have failed.
        if (storedChanges < ledger.Changes)
            await writer.Save();
        if (ledger.RunState != RunState.Open)
            await MarkInCatalog();
        return isNew;
    }

    /// <inheritdoc/>
    public async Task Release(string worker, Lease lease, LeaseEnd end, string? problem)
    {
        if (ledger is null)
            return;
        ledger.Release(lease, end, problem, Now);
        if (storedChanges < ledger.Changes)
            await writer.Save();
    }

    /// <inheritdoc/>
    public async Task Reopen(Dictionary<int, Counts> shards)
    {
        if (ledger is null)
            return;
        ledger.Reopen(shards);
        await writer.Save();
        await MarkInCatalog();
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

    private async Task Begin(RunDescription run)
    {
        progress.State.Epoch++;
        await progress.WriteStateAsync();
        // A call that came meanwhile may have begun as well.
        ledger ??= new ShardLedger(progress.State, run.Shards, settings.Lease, settings.MaxAttempts, Now);
        (storedChanges, storedLeases) = (ledger.Changes, ledger.LeaseChanges);
    }

    private async Task<bool> Change(Action<ShardLedger> change)
    {
        if (ledger is null)
            return false;
        change(ledger);
        await writer.Save();
        await MarkInCatalog();
        if (ledger.RunState == RunState.Open)
            await this.RegisterOrUpdateReminder(Watch, WatchPeriod, WatchPeriod);
        return true;
    }

    private bool IsChanged => ledger!.Changes != storedChanges || ledger.LeaseChanges != storedLeases;

    private async Task Tick(CancellationToken cancellationToken)
    {
        if (ledger is null)
            return;
        ledger.Expire(Now);
        NoteRate();
        if (IsChanged)
            await writer.Save();
        if (ledger.RunState == RunState.Open != marked)
            await MarkInCatalog();
    }

    private async Task Write()
    {
        // A run whose folder gets other data meanwhile has nothing to store.
        if (ledger is null)
            return;
        var (changes, leases) = (ledger.Changes, ledger.LeaseChanges);
        ledger.State.Leases = ledger.LeasesToStore();
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

        (storedChanges, storedLeases) = (changes, leases);
    }

    private async Task MarkInCatalog()
    {
        var isOpen = ledger!.RunState == RunState.Open;
        await GrainFactory.GetGrain<ICatalog>(0).Mark(Id, isOpen);
        marked = isOpen;
    }

    private void NoteRate() => rate.Note(Now, ledger!.Done.Items);

    private RunStatus StatusNow(RunDescription run)
    {
        var now = Now;
        foreach (var old in refusals.Where(refusal => refusal.Value.Time + RefusalLifetime < now).Select(refusal => refusal.Key).ToList())
            refusals.Remove(old);
        var done = ledger!.Done;
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

/// <summary>The stored description of a run. It is written once.</summary>
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
