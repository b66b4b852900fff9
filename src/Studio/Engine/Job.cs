using System.Runtime.CompilerServices;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>A picture that is being made.</summary>
public sealed class Job : IDisposable
{
    /// <summary>Watchers are told at most this often; what they miss in between is in the next state.</summary>
    public static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock changing = new();
    private readonly CancellationTokenSource stop = new();
    private readonly TimeProvider clock;
    private readonly Action<Job, JobState> ended;
    private JobProgress progress = new(JobState.Waiting);
    private byte[]? preview;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="job">What is to be made, and for whom.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="ended">Called once, with the state it ends in and before anybody can see that; must not wait for other jobs.</param>
    internal Job(StoredJob job, TimeProvider clock, Action<Job, JobState> ended)
    {
        (Id, Project, Parent, Recipe) = (job.Id, job.Project, job.Parent, job.Recipe);
        this.clock = clock;
        this.ended = ended;
    }

    /// <summary>Its id.</summary>
    public string Id { get; }

    /// <summary>Id of the project it is for.</summary>
    public string Project { get; }

    /// <summary>Id of the version it is made from, or null.</summary>
    public string? Parent { get; }

    /// <summary>What is being made.</summary>
    public Recipe Recipe { get; }

    /// <summary>Where it is now.</summary>
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

    internal CancellationToken Stopping => stop.Token;

    /// <summary>Whether it was stopped because the program ends, and is to be taken up again at the next start.</summary>
    internal bool IsInterrupted { get; private set; }

    /// <summary>Stops it: at once while it waits, before the next step while it runs.</summary>
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

    /// <summary>Its states from now until it is over, the last one always; at most ten in a second.</summary>
    public async IAsyncEnumerable<JobProgress> Watch([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        JobProgress? told = null;
        while (true)
        {
            Task next;
            JobProgress now;
            lock (changing)
                (now, next) = (progress, changed.Task);
            if (now != told)
            {
                yield return told = now;
                if (now.IsOver)
                    yield break;
                await Task.Delay(MinInterval, clock, cancellationToken);
                continue;
            }

            await next.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Waits until it is over.</summary>
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
        TaskCompletionSource told;
        lock (changing)
        {
            // What is over stays as it ended.
            if (progress.IsOver)
                return;
            var next = change(progress);
            if (next.IsOver)
                ended(this, next.State);
            progress = next;
            // The picture itself takes the preview's place.
            preview = next.IsOver ? null : newPreview ?? preview;
            (told, changed) = (changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        told.SetResult();
    }
}
