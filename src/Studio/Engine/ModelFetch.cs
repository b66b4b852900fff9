using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Studio.Engine;

/// <summary>State and progress of a download from the hub.</summary>
/// <param name="State">Its state.</param>
/// <param name="File">The file being downloaded; empty before the first.</param>
/// <param name="Done">Bytes present, of all files.</param>
/// <param name="Total">Bytes of all files; 0 until they are known.</param>
/// <param name="SecondsLeft">Estimated time left in seconds; null as long as too little is known.</param>
/// <param name="Note">The reason for a pause; empty without one.</param>
/// <param name="Problem">Why it failed and what to do.</param>
internal sealed record FetchProgress(JobState State, string File = "", long Done = 0, long Total = 0, double? SecondsLeft = null, string Note = "", string? Problem = null)
{
    /// <summary>Whether it has ended.</summary>
    public bool IsOver => State is JobState.Done or JobState.Cancelled or JobState.Failed;
}

/// <summary>A download of a model from the hub.</summary>
/// <param name="name">Name of the model.</param>
/// <param name="variant">The variant of its weights; null for the default.</param>
/// <param name="clock">The clock.</param>
/// <param name="changed">Called when the progress changes, at most ten times a second, and at the end.</param>
internal sealed class ModelFetch(string name, string? variant, TimeProvider clock, Action changed) : IProgress<PullProgress>, IDisposable
{
    // The first bytes say little about the speed.
    private static readonly TimeSpan MinTime = TimeSpan.FromSeconds(1);

    private readonly Lock changing = new();
    private readonly CancellationTokenSource stop = new();
    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FetchProgress progress = new(JobState.Running);
    private (long Done, long At)? begin;
    private long? told;

    /// <summary>Its id.</summary>
    public string Id { get; } = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8));

    /// <summary>Name of the model: OWNER/NAME or OWNER/NAME@REVISION.</summary>
    public string Name { get; } = name;

    /// <summary>The variant of its weights; null for the default.</summary>
    public string? Variant { get; } = variant;

    /// <summary>Current progress.</summary>
    public FetchProgress Progress
    {
        get
        {
            lock (changing)
                return progress;
        }
    }

    /// <summary>Completes when it has ended.</summary>
    public Task WhenOver => over.Task;

    internal CancellationToken Stopping => stop.Token;

    /// <summary>Stops it. Downloaded data is kept, so that fetching it again resumes.</summary>
    public void Cancel()
    {
        lock (changing)
        {
            if (!progress.IsOver)
                stop.Cancel();
        }
    }

    /// <inheritdoc/>
    public void Report(PullProgress value)
    {
        lock (changing)
        {
            if (progress.IsOver)
                return;
            var now = clock.GetTimestamp();
            if (value.Total > 0)
                begin ??= (value.Done, now);
            var isNews = value.Note != progress.Note || value.File != progress.File;
            progress = progress with { File = value.File, Done = value.Done, Total = value.Total, Note = value.Note, SecondsLeft = Left(value, now) };
            if (!isNews && told is { } last && clock.GetElapsedTime(last, now) < Job.MinInterval)
                return;
            told = now;
        }

        changed();
    }

    /// <summary>Ends it.</summary>
    internal void End(JobState state, string? problem = null)
    {
        lock (changing)
            progress = progress with { State = state, Problem = problem, Note = "", SecondsLeft = null };
        over.TrySetResult();
        changed();
    }

    /// <inheritdoc/>
    public void Dispose() => stop.Dispose();

    private double? Left(PullProgress value, long now)
    {
        if (begin is not { } first || value.Done <= first.Done || clock.GetElapsedTime(first.At, now) is var elapsed && elapsed < MinTime)
            return null;
        return Math.Round(elapsed.TotalSeconds * (value.Total - value.Done) / (value.Done - first.Done), 1);
    }
}
