using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>State of a job.</summary>
public enum JobState
{
    /// <summary>It waits for other jobs.</summary>
    Waiting,

    /// <summary>It is running.</summary>
    Running,

    /// <summary>Its picture is finished, or its word is learned.</summary>
    Done,

    /// <summary>It was stopped.</summary>
    Cancelled,

    /// <summary>It failed; see its problem.</summary>
    Failed,
}

/// <summary>State and progress of a job.</summary>
/// <param name="State">Its state.</param>
/// <param name="Ahead">Jobs ahead of it in the queue.</param>
/// <param name="Stage">Current stage: <c>drawing</c>, <c>editing</c>, <c>preparing</c> (running its source again), <c>inverting</c>, <c>optimizing</c>, <c>replaying</c>, <c>learning</c>.</param>
/// <param name="Step">Completed steps of the stage.</param>
/// <param name="Steps">Total steps of the stage.</param>
/// <param name="Preview">Number of the latest preview, from 1; 0 without one.</param>
/// <param name="Losses">The loss of each optimized step so far.</param>
/// <param name="Version">Id of the finished version.</param>
/// <param name="Problem">Why it failed and what to do.</param>
/// <param name="Setting">The invalid field of the recipe, or null.</param>
/// <param name="Note">Something to know about the run, said before it begins; or null.</param>
public sealed record JobProgress(
    JobState State, int Ahead = 0, string Stage = "", int Step = 0, int Steps = 0, int Preview = 0, IReadOnlyList<double>? Losses = null, string? Version = null, string? Problem = null,
    string? Setting = null, string? Note = null)
{
    /// <summary>Whether the job has ended.</summary>
    public bool IsOver => State is JobState.Done or JobState.Cancelled or JobState.Failed;

    /// <summary>The same job, failed.</summary>
    internal JobProgress Fail(Exception e) => this with
    {
        State = JobState.Failed,
        Problem = Describe(e),
        Setting = e is InvalidInputException { Setting: { } setting } ? FieldNames.Of(setting) : null,
    };

    /// <summary>A failure in one line.</summary>
    internal static string Describe(Exception e) => e switch
    {
        InvalidInputException input => input.Text,
        StudioClosedException or DiskFullException => e.Message,
        _ when DiskFullException.IsCause(e) => new DiskFullException(e).Message,
        // libtorch appends a stack trace to its message.
        _ => $"{e.GetType().Name}: {e.Message.Split('\n')[0]}",
    };
}
