namespace PromptToPrompt.Studio.Engine;

/// <summary>The making of a grid's pictures.</summary>
public sealed class GridRun
{
    private readonly CancellationTokenSource stop = new();

    /// <summary>Raised after every change.</summary>
    public event Action? Changed;

    /// <summary>The job of the picture that is being made, or null.</summary>
    public Job? Job { get; private set; }

    /// <summary>Whether it has ended: all pictures are made, it was stopped, or it failed.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Why it failed and what to do, or null.</summary>
    public string? Problem { get; private set; }

    /// <summary>The end of the run.</summary>
    internal Task End { get; set; } = Task.CompletedTask;

    internal CancellationToken Stopping => stop.Token;

    /// <summary>Whether a visitor stopped it, so that it does not resume by itself.</summary>
    internal bool IsStopped { get; private set; }

    /// <summary>Stops it before the next step, for a visitor.</summary>
    public void Stop()
    {
        IsStopped = true;
        stop.Cancel();
    }

    /// <summary>Stops it before the next step because the studio closes.</summary>
    internal void Interrupt() => stop.Cancel();

    /// <summary>Follows a job to its end.</summary>
    internal async Task<JobProgress> Follow(Job job)
    {
        Job = job;
        using var stopping = stop.Token.Register(job.Cancel);
        await foreach (var _ in job.Watch())
            Changed?.Invoke();
        return job.Progress;
    }

    /// <summary>Ends it.</summary>
    internal void Finish(string? problem)
    {
        (Job, IsOver, Problem) = (null, true, problem);
        Changed?.Invoke();
    }
}
