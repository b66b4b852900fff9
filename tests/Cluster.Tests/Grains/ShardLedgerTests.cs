using PromptToPrompt.Cluster.Contracts;
using PromptToPrompt.Cluster.Grains;

namespace PromptToPrompt.Cluster.Tests.Grains;

public sealed class ShardLedgerTests
{
    private const int Shards = 3;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(60);
    private static readonly Counts Ten = new(10, 1, 20, 15);

    [Fact]
    public void ShardsAreLeasedInOrderAndTheWholeIsCompletedLast()
    {
        var ledger = New();
        for (var shard = 0; shard < Shards; shard++)
        {
            var lease = ledger.Take("a", At(0))!;
            Assert.Equal(shard, lease.Shard);
            Assert.True(ledger.Complete(lease, Ten));
        }

        Assert.Equal(RunState.Open, ledger.RunState);
        var whole = ledger.Take("a", At(0))!;
        Assert.Equal(Shards, whole.Shard);
        Assert.True(ledger.Complete(whole, default));
        Assert.Equal(RunState.Complete, ledger.RunState);
        Assert.Equal(new Counts(30, 3, 60, 45), ledger.Done);
        Assert.Null(ledger.Take("a", At(0)));
    }

    [Fact]
    public void TheWholeIsNotLeasedWhileAShardIs()
    {
        var ledger = New();
        Lease[] leases = [ledger.Take("a", At(0))!, ledger.Take("b", At(0))!, ledger.Take("c", At(0))!];
        ledger.Complete(leases[0], Ten);
        ledger.Complete(leases[1], Ten);
        Assert.Null(ledger.Take("a", At(0)));
        ledger.Complete(leases[2], Ten);
        Assert.Equal(Shards, ledger.Take("a", At(0))!.Shard);
        Assert.Null(ledger.Take("b", At(0)));
    }

    [Fact]
    public void AWorkerThatAsksAgainGetsTheSameLease()
    {
        var ledger = New();
        Assert.Equal(ledger.Take("a", At(0)), ledger.Take("a", At(1)));
    }

    [Fact]
    public void TokensGrow()
    {
        var ledger = New();
        var first = ledger.Take("a", At(0))!;
        ledger.Release("a", first, LeaseEnd.Drained, null, At(0));
        var second = ledger.Take("b", At(0))!;
        Assert.Equal(first.Shard, second.Shard);
        Assert.True(second.Token > first.Token);
        ledger.State.Epoch++;
        var restarted = new ShardLedger(ledger.State, Shards, Period, 2, At(0));
        Assert.True(restarted.Take("c", At(0))!.Token > second.Token);
    }

    [Fact]
    public void ALeaseWithoutHeartbeatEnds()
    {
        var ledger = New();
        var first = ledger.Take("a", At(0))!;
        Assert.Equal(LeaseState.Held, ledger.Beat("a", first, default, At(50)));
        Assert.Equal(1, ledger.Take("b", At(100))!.Shard);
        ledger.Expire(At(111));
        var second = ledger.Take("c", At(111))!;
        Assert.Equal(2, second.Shard);
        ledger.Complete(second, Ten);
        Assert.Equal(0, ledger.Take("c", At(111))!.Shard);
        Assert.Equal(LeaseState.Lost, ledger.Beat("a", first, default, At(112)));
    }

    [Fact]
    public void AnExpiredLeaseThatNobodyTookIsAdopted()
    {
        var ledger = New();
        var lease = ledger.Take("a", At(0))!;
        ledger.Expire(At(1000));
        Assert.Equal(LeaseState.Held, ledger.Beat("a", lease, default, At(1000)));
        Assert.Equal(1, ledger.Take("b", At(1000))!.Shard);
    }

    [Fact]
    public void LeasesOutliveARestart()
    {
        var ledger = New();
        var (stored, late) = (ledger.Take("a", At(0))!, ledger.Take("b", At(0))!);
        var state = ledger.State;
        state.Leases = [.. ledger.LeasesToStore().Where(lease => lease.Worker == "a")];
        state.Epoch++;
        var restarted = new ShardLedger(state, Shards, Period, 2, At(0));
        // The lease of b was not stored yet: it is adopted, because b comes first.
        Assert.Equal(LeaseState.Held, restarted.Beat("b", late, default, At(0)));
        Assert.Equal(2, restarted.Take("c", At(0))!.Shard);
        Assert.Equal(LeaseState.Held, restarted.Beat("a", stored, default, At(50)));
    }

    [Fact]
    public void ASecondCompletionIsNotCounted()
    {
        var ledger = New();
        var late = ledger.Take("a", At(0))!;
        ledger.Complete(ledger.Take("b", At(0))!, Ten);
        ledger.Complete(ledger.Take("b", At(0))!, Ten);
        var second = ledger.Take("c", At(61))!;
        Assert.Equal(late.Shard, second.Shard);
        Assert.True(ledger.Complete(second, Ten));
        Assert.False(ledger.Complete(late, Ten));
        Assert.False(ledger.Complete(second, Ten));
        Assert.Equal(new Counts(30, 3, 60, 45), ledger.Done);
    }

    [Fact]
    public void FilesThatAreThereCountWhoeverHasTheLease()
    {
        var ledger = New();
        var late = ledger.Take("a", At(0))!;
        ledger.Complete(ledger.Take("b", At(0))!, Ten);
        ledger.Complete(ledger.Take("b", At(0))!, Ten);
        var second = ledger.Take("c", At(61))!;
        // The late worker was allowed to commit before its lease ended.
        Assert.True(ledger.Complete(late, Ten));
        Assert.Equal(LeaseState.Lost, ledger.Beat("c", second, default, At(62)));
        Assert.Equal(Shards, ledger.CompleteShards);
    }

    [Fact]
    public void AShardThatEndsSeveralWorkersIsGivenUpAndTheOthersAreMade()
    {
        var ledger = New(attempts: 2);
        ledger.Release("a", ledger.Take("a", At(0))!, LeaseEnd.Failed, "first", At(0));
        foreach (var worker in new[] { "a", "b" })
        {
            var lease = ledger.Take(worker, At(0))!;
            Assert.NotEqual(0, lease.Shard);
            ledger.Complete(lease, Ten);
        }

        var last = ledger.Take("c", At(0))!;
        Assert.Equal(0, last.Shard);
        ledger.Expire(At(61));
        Assert.Null(ledger.Take("d", At(61)));
        Assert.Equal(RunState.Incomplete, ledger.RunState);
        Assert.Contains("c sent no heartbeat", ledger.State.Attempts[0].Problem, StringComparison.Ordinal);
        ledger.Resume();
        Assert.Equal(RunState.Open, ledger.RunState);
        Assert.Equal(0, ledger.Take("d", At(61))!.Shard);
    }

    [Fact]
    public void ADrainedWorkerIsNoFailedAttempt()
    {
        var ledger = New(attempts: 1);
        ledger.Release("a", ledger.Take("a", At(0))!, LeaseEnd.Drained, null, At(0));
        Assert.Empty(ledger.State.Attempts);
        Assert.Equal(0, ledger.Take("b", At(0))!.Shard);
    }

    [Fact]
    public void AShardOfAForeignProcessIsOfferedAgainLater()
    {
        var ledger = New();
        ledger.Release("a", ledger.Take("a", At(0))!, LeaseEnd.Busy, null, At(0));
        Assert.Equal(1, ledger.Take("a", At(1))!.Shard);
        Assert.Equal(0, ledger.Take("b", At(6))!.Shard);
    }

    [Fact]
    public void ACancelledRunGivesNoLeasesUntilItIsResumed()
    {
        var ledger = New();
        var lease = ledger.Take("a", At(0))!;
        ledger.Cancel();
        Assert.Equal(RunState.Cancelled, ledger.RunState);
        Assert.Equal(LeaseState.Cancelled, ledger.Beat("a", lease, default, At(1)));
        Assert.Null(ledger.Take("b", At(1)));
        ledger.Resume();
        Assert.Equal(0, ledger.Take("b", At(1))!.Shard);
    }

    [Fact]
    public void TheFilesDecideWhichShardsAreComplete()
    {
        var ledger = New();
        ledger.Complete(ledger.Take("a", At(0))!, Ten);
        ledger.Reset(new Survey([0b110], new Counts(20)));
        Assert.Equal(2, ledger.CompleteShards);
        Assert.Equal(new Counts(20), ledger.Done);
        Assert.Equal(0, ledger.Take("a", At(0))!.Shard);
    }

    [Fact]
    public void ADataSetThatIsCompleteNeedsNoWorker()
    {
        var ledger = New();
        ledger.Reset(new Survey([0b111], new Counts(30), IsFinished: true));
        Assert.Equal(RunState.Complete, ledger.RunState);
        ledger.Reset(new Survey([0b111], new Counts(30)));
        Assert.Equal(Shards, ledger.Take("a", At(0))!.Shard);
    }

    [Fact]
    public void DeletedShardsAreMadeAgain()
    {
        var ledger = New();
        for (var shard = 0; shard <= Shards; shard++)
            ledger.Complete(ledger.Take("a", At(0))!, shard < Shards ? Ten : default);
        ledger.Reopen([KeyValuePair.Create(1, Ten)]);
        Assert.Equal(RunState.Open, ledger.RunState);
        Assert.Equal(new Counts(20, 2, 40, 30), ledger.Done);
        Assert.Equal(1, ledger.Take("a", At(0))!.Shard);
    }

    [Fact]
    public void ALeaseOfAnotherRunInTheSameFolderIsLost()
    {
        var ledger = New();
        var lease = ledger.Take("a", At(0))!;
        var other = new ShardLedger(new LedgerState { Epoch = 2, FirstEpoch = 2 }, Shards, Period, 2, At(0));
        Assert.Equal(LeaseState.Lost, other.Beat("a", lease, default, At(0)));
        Assert.False(other.Complete(lease, Ten));
    }

    [Fact]
    public void ALeaseIsThatOfItsWorkerEvenIfTheTokenIsTheSame()
    {
        // Two ledgers that know nothing of each other, as after the storage was lost.
        var stale = New().Take("a", At(0))!;
        var ledger = New();
        var lease = ledger.Take("b", At(0))!;
        Assert.Equal(stale, lease);
        Assert.Equal(LeaseState.Lost, ledger.Beat("a", stale, default, At(1)));
        ledger.Release("a", stale, LeaseEnd.Failed, null, At(1));
        Assert.Empty(ledger.State.Attempts);
        Assert.Equal(LeaseState.Held, ledger.Beat("b", lease, default, At(2)));
    }

    [Fact]
    public void EpochsGrowWithTheClockAndWithoutIt()
    {
        var now = new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);
        var first = new LedgerState().NextEpoch(now);
        Assert.Equal(first + 60, new LedgerState().NextEpoch(now.AddMinutes(1)));
        Assert.Equal(first + 1, new LedgerState { Epoch = first }.NextEpoch(now));
        Assert.Equal(first + 1, new LedgerState { Epoch = first }.NextEpoch(now.AddYears(-10)));
        Assert.True((long)new LedgerState().NextEpoch(now.AddYears(100)) << 32 > 0);
    }

    [Fact]
    public void AHeartbeatThatComesLateDoesNotTakeAReleasedLeaseBack()
    {
        var ledger = New();
        var lease = ledger.Take("a", At(0))!;
        ledger.Release("a", lease, LeaseEnd.Drained, null, At(1));
        Assert.Equal(LeaseState.Lost, ledger.Beat("a", lease, default, At(2)));
        var next = ledger.Take("b", At(2))!;
        Assert.Equal(lease.Shard, next.Shard);
        Assert.Equal(LeaseState.Held, ledger.Beat("b", next, default, At(3)));
    }

    [Fact]
    public void AWorkerThatLeavesGivesBackTheLeaseThatItDoesNotKnowOf()
    {
        var ledger = New(attempts: 1);
        var lease = ledger.Take("a", At(0))!;
        ledger.Leave("a", At(0));
        ledger.Leave("a", At(0));
        ledger.Leave("stranger", At(0));
        Assert.Empty(ledger.State.Attempts);
        Assert.Equal(lease.Shard, ledger.Take("b", At(0))!.Shard);
    }

    [Fact]
    public void TheCompletionOfTheWholeIsNoShardOfTheRun()
    {
        var ledger = New(attempts: 1);
        for (var shard = 0; shard < Shards; shard++)
            ledger.Complete(ledger.Take("a", At(0))!, Ten);
        ledger.Release("a", ledger.Take("a", At(0))!, LeaseEnd.Failed, "Shard 1 has no statistics file.", At(0));
        Assert.Equal(RunState.Incomplete, ledger.RunState);
        Assert.Null(ledger.Take("a", At(0)));
        // Two shards are missing, and one of them is still free: the run is not at its end.
        ledger.State.Attempts[0] = new Attempts(1, "", IsGivenUp: true);
        ledger.State.Complete[0] = 0b100;
        var restarted = new ShardLedger(ledger.State, Shards, Period, 1, At(0));
        Assert.Equal(RunState.Open, restarted.RunState);
        Assert.Equal(1, restarted.Take("a", At(0))!.Shard);
    }

    [Fact]
    public void ACopyOfTheStateStaysAsItWas()
    {
        var ledger = New();
        var copy = ledger.State.Copy();
        ledger.Complete(ledger.Take("a", At(0))!, Ten);
        ledger.Release("a", ledger.Take("a", At(0))!, LeaseEnd.Failed, null, At(0));
        ledger.State.Leases.Add(new StoredLease(2, 1, "a"));
        Assert.Equal(0, copy.Complete[0]);
        Assert.Empty(copy.Attempts);
        Assert.Empty(copy.Leases);
        Assert.Equal(
            System.Text.Json.JsonSerializer.Serialize(ledger.State), System.Text.Json.JsonSerializer.Serialize(ledger.State.Copy()));
    }

    [Fact]
    public void TheStateOfAMillionShardsIsSmall()
    {
        var ledger = new ShardLedger(new LedgerState { Epoch = 1 }, 1_000_000, Period, 2, At(0));
        for (var shard = 0; shard < 1000; shard++)
            ledger.Complete(ledger.Take("a", At(0))!, Ten);
        Assert.InRange(new Cluster.Hosting.JsonStateSerializer().Serialize(ledger.State).ToMemory().Length, 1, 200_000);
    }

    private static ShardLedger New(int attempts = 25) => new(new LedgerState { Epoch = 1 }, Shards, Period, attempts, At(0));

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);
}
