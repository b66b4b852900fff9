using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Engine;

/// <summary>Where a job is.</summary>
public enum JobState
{
    /// <summary>Others are before it.</summary>
    Waiting,

    /// <summary>It has the device.</summary>
    Running,

    /// <summary>Its picture is there.</summary>
    Done,

    /// <summary>It was stopped.</summary>
    Cancelled,

    /// <summary>It came to nothing; its problem says why.</summary>
    Failed,
}

/// <summary>What can be told of a job.</summary>
/// <param name="State">Where it is.</param>
/// <param name="Ahead">Jobs before it.</param>
/// <param name="Stage">What is being done: <c>drawing</c>, <c>editing</c>, <c>preparing</c> (its source is run again), <c>inverting</c>, <c>optimising</c>, <c>replaying</c>.</param>
/// <param name="Step">Steps of the stage done.</param>
/// <param name="Steps">Steps of the stage in all.</param>
/// <param name="Preview">Number of the latest preview, counted from 1; 0 while there is none.</param>
/// <param name="Losses">The loss of each optimised step so far.</param>
/// <param name="Version">Id of the picture, once it is done.</param>
/// <param name="Problem">Why it failed, and what to do.</param>
/// <param name="Setting">The recipe's field that it failed for; null where it failed for something else.</param>
public sealed record JobProgress(
    JobState State, int Ahead = 0, string Stage = "", int Step = 0, int Steps = 0, int Preview = 0, IReadOnlyList<double>? Losses = null, string? Version = null, string? Problem = null,
    string? Setting = null)
{
    /// <summary>Whether nothing more will come.</summary>
    public bool IsOver => State is JobState.Done or JobState.Cancelled or JobState.Failed;

    /// <summary>The same job, failed.</summary>
    internal JobProgress Fail(Exception e) => e is InvalidInputException input
        ? this with { State = JobState.Failed, Problem = input.Text, Setting = input.Setting is { } setting ? FieldNames.Of(setting) : null }
        // libtorch puts a stack trace behind its first line.
        : this with { State = JobState.Failed, Problem = $"{e.GetType().Name}: {e.Message.Split('\n')[0]}" };
}
