namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Tracks a download, reports its progress, and waits when necessary.</summary>
/// <param name="progress">Receives the progress.</param>
/// <param name="wait">Waits.</param>
internal sealed class PullMeter(IProgress<PullProgress>? progress, Func<TimeSpan, CancellationToken, Task> wait)
{
    private PullProgress state = new("", 0, 0);

    /// <summary>Number of bytes present.</summary>
    public long Done => state.Done;

    /// <summary>Starts tracking. Bytes already present count from the start, so that the speed is that of the connection.</summary>
    public void Start(long present, long total) => Tell(new PullProgress("", present, total));

    /// <summary>Reports the number of bytes present.</summary>
    public void Set(string file, long done) => Tell(state with { File = file, Done = done });

    /// <summary>Waits, and reports the reason.</summary>
    public Task PauseAsync(TimeSpan time, string reason, CancellationToken cancellationToken)
    {
        progress?.Report(state with { Note = FormattableString.Invariant($"{reason}; waiting {time.TotalSeconds:0.#} s") });
        return wait(time, cancellationToken);
    }

    private void Tell(PullProgress now)
    {
        if (now == state)
            return;
        state = now;
        progress?.Report(now);
    }
}
