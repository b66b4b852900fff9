using System.Runtime.CompilerServices;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>A job that makes a picture or learns a word.</summary>
public sealed class Job : IDisposable
{
    /// <summary>Minimum time between updates to watchers. Skipped states are included in the next one.</summary>
    public static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock changing = new();
    private readonly CancellationTokenSource stop = new();
    private readonly TimeProvider clock;
    private readonly Action<Job, JobState> ended;
    private JobProgress progress = new(JobState.Waiting);
    private byte[]? preview;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="job">The stored job.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="ended">Called once with the final state, before it becomes visible. Must not wait for other jobs.</param>
    internal Job(StoredJob job, TimeProvider clock, Action<Job, JobState> ended)
    {
        (Id, Project, Parent, Recipe) = (job.Id, job.Project, job.Parent, job.Recipe);
        this.clock = clock;
        this.ended = ended;
    }

    /// <summary>Its id.</summary>
    public string Id { get; }

    /// <summary>Id of its project.</summary>
    public string Project { get; }

    /// <summary>Id of the version it is made from, or null.</summary>
    public string? Parent { get; }

    /// <summary>The recipe.</summary>
    public Recipe Recipe { get; }

    /// <summary>Current progress.</summary>
    public JobProgress Progress
    {
        get
        {
            lock (changing)
                return progress;
        }
    }

    /// <summary>The latest preview as PNG, or null.</summary>
    public byte[]? Preview
    {
        get
        {
            lock (changing)
                return preview;
        }
    }

    /// <summary>Whether it makes a picture of a grid, which no page has asked for by itself.</summary>
    internal bool IsOfGrid { get; init; }

    internal CancellationToken Stopping => stop.Token;

    /// <summary>Whether it was stopped because the program ends, to resume at the next start.</summary>
    internal bool IsInterrupted { get; private set; }

    /// <summary>Stops it: at once if it waits, else before the next step.</summary>
    public void Cancel()
    {
        lock (changing)
        {
            if (!progress.IsOver)
                stop.Cancel();
        }

        Update(now => now.State == JobState.Waiting ? now with { State = JobState.Cancelled, Ahead = 0 } : now);
    }

    /// <summary>Stops it because the program ends.</summary>
    internal void Interrupt()
    {
        lock (changing)
            IsInterrupted = !progress.IsOver && !stop.IsCancellationRequested;
        Cancel();
    }

    /// <summary>Its states until it ends, including the last; at most ten a second.</summary>
    public async IAsyncEnumerable<JobProgress> Watch([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        JobProgress? last = null;
        while (true)
        {
            Task next;
            JobProgress now;
            lock (changing)
                (now, next) = (progress, changed.Task);
            if (now != last)
            {
                yield return last = now;
                if (now.IsOver)
                    yield break;
                await Task.Delay(MinInterval, clock, cancellationToken);
                continue;
            }

            await next.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits until it ends.</summary>
    public async Task<JobProgress> WhenOver(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task next;
            lock (changing)
            {
                if (progress.IsOver)
                    return progress;
                next = changed.Task;
            }

            await next.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stop.Dispose();

    internal void Update(Func<JobProgress, JobProgress> change, byte[]? newPreview = null)
    {
        TaskCompletionSource previous;
        lock (changing)
        {
            // A final state does not change.
            if (progress.IsOver)
                return;
            var next = change(progress);
            if (next.IsOver)
                ended(this, next.State);
            progress = next;
            // The picture replaces the preview.
            preview = next.IsOver ? null : newPreview ?? preview;
            (previous, changed) = (changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        previous.SetResult();
    }
}
