namespace PromptToPrompt.Cli.Runs;

/// <summary>Keeps what a long run has found so far on the disk: after its first step, then now and then, and when the run is stopped.</summary>
internal sealed class UnfinishedSaver(CancellationToken cancellationToken)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);
    private long? saved;

    /// <summary>Whether anything was written.</summary>
    public bool HasSaved { get; private set; }

    /// <summary>Called after every step; writes where it is time to.</summary>
    /// <param name="write">Writes what there is.</param>
    /// <param name="isDue">Whether it is time in any case, because something slow comes next.</param>
    public void Save(Action write, bool isDue = false)
    {
        if (!isDue && !cancellationToken.IsCancellationRequested && saved is { } last && TimeProvider.System.GetElapsedTime(last) < Interval)
            return;
        write();
        HasSaved = true;
        saved = TimeProvider.System.GetTimestamp();
    }
}
