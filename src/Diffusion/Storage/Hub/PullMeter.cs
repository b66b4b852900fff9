namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Keeps count of a download, tells of it, and waits where it must.</summary>
/// <param name="progress">Who is told.</param>
/// <param name="wait">Waits.</param>
internal sealed class PullMeter(IProgress<PullProgress>? progress, Func<TimeSpan, CancellationToken, Task> wait)
{
    private PullProgress state = new("", 0, 0);

    /// <summary>Bytes that are here.</summary>
    public long Done => state.Done;

    /// <summary>Begins the count. What is here already counts from the beginning: the speed is then that of the connection.</summary>
    public void Start(long present, long total) => Tell(new PullProgress("", present, total));

    /// <summary>Tells how much is here.</summary>
    public void Set(string file, long done) => Tell(state with { File = file, Done = done });

    /// <summary>Waits, and tells why.</summary>
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
