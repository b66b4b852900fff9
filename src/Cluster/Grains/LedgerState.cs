using PromptToPrompt.Cluster.Contracts;

namespace PromptToPrompt.Cluster.Grains;

/// <summary>The part of a run's state that is stored.</summary>
internal sealed class LedgerState
{
    // Seconds since this moment fit into the upper half of a token for 68 years.
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Grows with each activation, so that the tokens of leases grow over restarts.</summary>
    public int Epoch { get; set; }

    /// <summary>Leases of earlier epochs are those of another run in the same folder.</summary>
    public int FirstEpoch { get; set; }

    /// <summary>Whether the run was cancelled.</summary>
    public bool IsCancelled { get; set; }

    /// <summary>A bit for each complete shard, and one for the whole data set behind them.</summary>
    public byte[] Complete { get; set; } = [];

    /// <summary>The sum over the complete shards.</summary>
    public Counts Done { get; set; }

    /// <summary>The shards on which workers ended or failed.</summary>
    public Dictionary<int, Attempts> Attempts { get; set; } = [];

    /// <summary>The leases of about a second ago. After a restart they hold for one more period.</summary>
    public List<StoredLease> Leases { get; set; } = [];

    /// <summary>An epoch after this one. It follows the clock, so that it also grows if the stored one was lost.</summary>
    public int NextEpoch(DateTimeOffset now) => Math.Max(Epoch + 1, (int)Math.Clamp((now - Start).TotalSeconds, 0, int.MaxValue - 1));

    /// <summary>A copy that later changes do not reach.</summary>
    public LedgerState Copy() => new()
    {
        Epoch = Epoch,
        FirstEpoch = FirstEpoch,
        IsCancelled = IsCancelled,
        Complete = [.. Complete],
        Done = Done,
        Attempts = new(Attempts),
        Leases = [.. Leases],
    };
}

/// <summary>Failed attempts at a shard.</summary>
/// <param name="Count">Their number.</param>
/// <param name="Problem">The last problem.</param>
/// <param name="IsGivenUp">Whether the shard is not tried again.</param>
internal sealed record Attempts(int Count, string Problem, bool IsGivenUp = false);

/// <summary>A lease as it is stored.</summary>
/// <param name="Shard">Number of the shard.</param>
/// <param name="Token">Its token.</param>
/// <param name="Worker">The worker.</param>
internal sealed record StoredLease(int Shard, long Token, string Worker);
