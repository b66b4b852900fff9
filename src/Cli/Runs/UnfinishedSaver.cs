namespace PromptToPrompt.Cli.Runs;

/// <summary>Saves the progress of a long run: after its first step, then at intervals, and when the run is stopped.</summary>
internal sealed class UnfinishedSaver(CancellationToken cancellationToken)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);
    private long? saved;

    /// <summary>Whether anything was written.</summary>
    public bool HasSaved { get; private set; }

    /// <summary>Call after every step; saves when it is time.</summary>
    /// <param name="write">Saves the progress.</param>
    /// <param name="isDue">Whether to save in any case, because something slow comes next.</param>
    public void Save(Action write, bool isDue = false)
    {
        if (!isDue && !cancellationToken.IsCancellationRequested && saved is { } last && TimeProvider.System.GetElapsedTime(last) < Interval)
            return;
        write();
        HasSaved = true;
        saved = TimeProvider.System.GetTimestamp();
    }
}
