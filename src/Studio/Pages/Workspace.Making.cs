using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

// Making pictures: requests, the running job, and its end.
public sealed partial class Workspace
{
    private (string? Parent, Recipe Recipe)? unfinished;

    // The draft whose picture is made when the running job is done.
    private Draft? next;

    /// <summary>The unfinished job of this page, or null.</summary>
    public Job? Job { get; private set; }

    public JobProgress? Progress { get; private set; }

    /// <summary>Whether the last picture was cancelled or failed, so that it can be tried again.</summary>
    public bool IsUnfinished => unfinished is not null && Job is null;

    /// <summary>Resumes watching a job that was started before the page was reopened.</summary>
    public void Resume()
    {
        if (Job is not null || Project is null)
            return;
        if (engine.Open(Project.Id).LastOrDefault(job => !job.IsOfGrid) is { } open)
        {
            Watch(open);
            unfinished = (open.Parent, open.Recipe);
        }
        else if (store.Versions(Project.Id) is var now && now.Count != opened)
        {
            // It ended before this page could watch it. Following the project may have added its picture, but does not show it.
            versions = [.. now];
            Begin();
            Changed?.Invoke();
        }
    }

    /// <summary>Makes the picture that was cancelled or failed.</summary>
    public void TryAgain()
    {
        if (unfinished is { } last)
            Submit(last.Parent, last.Recipe);
    }

    /// <summary>Generates a new picture.</summary>
    public void Draw(string prompt)
    {
        Remember(Now);
        Submit(null, Settings with { Prompt = prompt });
    }

    /// <summary>Makes the source again so that the model reads all words of its prompt and of the draft, then the draft's picture.</summary>
    public void ReadLongPrompts()
    {
        if (Source is not { } source || Root is not { } root)
            return;
        Remember(Now);
        var draft = Draft;
        Submit(source.Recipe is EditedRecipe ? null : source.Parent, root with { LongPrompts = true });
        next = draft.IsUnchanged ? null : draft;
    }

    /// <summary>Inverts an uploaded picture.</summary>
    public void Invert(InvertedRecipe recipe)
    {
        Remember(Now);
        Submit(null, recipe);
    }

    /// <summary>Inpaints a part of the shown picture.</summary>
    /// <param name="mask">Store name of the brushed mask.</param>
    /// <param name="feather">Width of its soft edge in pixels of the picture; null for the default.</param>
    /// <param name="prompt">What the model should draw there.</param>
    public void Fill(string mask, double? feather, string prompt)
    {
        if (Shown is not { } shown)
            return;
        Remember(Now);
        Submit(shown.Id, Settings.Fill(shown.Picture, mask, feather, prompt));
    }

    /// <summary>Sets the draft and makes its picture.</summary>
    /// <param name="draft">The draft.</param>
    /// <param name="gesture">Identifies the visitor's gesture, such as a row of key presses: its changes are undone together. Null for a gesture of its own.</param>
    public void Apply(Draft draft, object? gesture = null)
    {
        Remember(Now, gesture);
        Draft = draft;
        Make();
    }

    private void Make()
    {
        if (Source is { } source && Draft.IsUnchanged)
        {
            Job?.Cancel();
            (Edit, unfinished) = (null, null);
            Changed?.Invoke();
        }
        else if (Source is not null)
        {
            Submit(Source.Id, Draft.Recipe(Source.Id));
        }
    }

    /// <summary>Sets the draft without making its picture.</summary>
    /// <inheritdoc cref="Apply"/>
    public void Think(Draft draft, object? gesture = null)
    {
        Remember(Now, gesture);
        Draft = draft;
        Changed?.Invoke();
    }

    /// <summary>Stops the running job.</summary>
    public void Cancel() => Job?.Cancel();

    private void Submit(string? parent, Recipe recipe, IReadOnlyList<EditedRecipe>? then = null)
    {
        // Another action replaces the previous request.
        Job?.Cancel();
        // Before the job is queued: that tells the page, which must not leave meanwhile.
        toRestore = then;
        var isQueued = Try(() =>
        {
            var job = Project is null ? engine.Begin(recipe) : engine.Submit(Project.Id, parent, recipe);
            Project ??= store.FindProject(job.Project);
            Watch(job);
            (unfinished, next) = ((parent, recipe), null);
        });
        if (!isQueued)
            toRestore = null;
    }

    private async void Watch(Job job)
    {
        (Job, Progress, Problem) = (job, job.Progress, null);
        Changed?.Invoke();
        try
        {
            await foreach (var progress in job.Watch(closing.Token))
            {
                // Another job has replaced it.
                if (Job != job)
                    return;
                Progress = progress;
                if (progress.IsOver)
                    End(progress);
                Changed?.Invoke();
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed.
        }
    }

    private void End(JobProgress progress)
    {
        var waiting = next;
        (Job, Progress, next) = (null, null, null);
        if (progress.State == JobState.Failed)
        {
            Problem = progress.Setting is { } field ? $"{Labels.OfField(field)}: {progress.Problem}" : progress.Problem;
        }
        else if (progress.Version is { } gone && store.FindVersion(gone) is null)
        {
            // It was deleted before this page showed it, and a shown edit takes its draft along.
            if (Source is { } source && unfinished?.Recipe is EditedRecipe edited && StudioJson.Write<Recipe>(edited) == StudioJson.Write<Recipe>(Draft.Recipe(source.Id)))
                Adopt(source);
            unfinished = null;
        }
        else if (progress.Version is { } id && store.FindVersion(id) is { } version)
        {
            versions = [.. store.Versions(version.Project)];
            Display(version);
            if (RestoreNext(version))
                return;
            if (waiting is not null)
                Apply(waiting);
        }

        toRestore = null;
    }
}
