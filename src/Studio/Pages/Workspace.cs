using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

/// <summary>
/// What one open page shows: a project, the source in it, the edit of it that is shown, and the edit that is being thought out. All work is done
/// by the engine; a page that is opened anew finds everything in the store.
/// </summary>
public sealed class Workspace(StudioStore store, StudioEngine engine, StudioOptions options) : IDisposable
{
    private readonly CancellationTokenSource closing = new();
    private List<PictureVersion> versions = [];

    /// <summary>Told after every change.</summary>
    public event Action? Changed;

    public Project? Project { get; private set; }

    public IReadOnlyList<PictureVersion> Versions => versions;

    public IReadOnlyList<string> Models => engine.Models;

    /// <summary>The words of the chosen model; null where it does not list them.</summary>
    internal ModelWords? Words => engine.WordsOf(Settings.Model);

    /// <summary>The picture that edits follow; null while there is none.</summary>
    public PictureVersion? Source { get; private set; }

    /// <summary>The edit of it that is shown; null where the source itself is.</summary>
    public PictureVersion? Edit { get; private set; }

    /// <summary>What is shown.</summary>
    public PictureVersion? Shown => Edit ?? Source;

    public Draft Draft { get; private set; } = Draft.Of("");

    public PictureSettings Settings { get; set; } = new();

    /// <summary>Steps of the source's run, which its edits have too.</summary>
    public int Steps => Source is { } source ? StepsOf(source) : Settings.Steps;

    /// <summary>The picture that the shown one is compared with; null for the source.</summary>
    public PictureVersion? Other { get; private set; }

    /// <summary>What this page has asked for last, while it is not over.</summary>
    public Job? Job { get; private set; }

    public JobProgress? Progress { get; private set; }

    /// <summary>How source and edit are shown: <c>slider</c>, <c>beside</c> or <c>alone</c>.</summary>
    public string View { get; set; } = "slider";

    /// <summary>What went wrong, in a sentence; null when nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Whether the shown edit is what the draft says.</summary>
    public bool IsUpToDate => Edit?.Recipe is EditedRecipe edited ? StudioJson.Write<Recipe>(edited) == StudioJson.Write<Recipe>(Draft.Recipe(edited.Source)) : Draft.IsUnchanged;

    /// <summary>
    /// The map of where a word of the draft looks, as version:word: the shown edit's own where it has this word, else the source's; null for none.
    /// </summary>
    public string? MapOf(int index)
    {
        var word = Draft.Words[index];
        if (Edit is { } edit && IsUpToDate && !word.IsRemoved)
            return $"{edit.Id}:{Draft.IndexInEdit(index) + word.Count - 1}";
        return Source is { } source && Draft.IndexInSource(index) is { } place ? $"{source.Id}:{place}" : null;
    }

    /// <summary>Opens a project where it was left.</summary>
    public bool Open(string project)
    {
        Project = store.FindProject(project);
        if (Project is null)
            return false;
        versions = [.. store.Versions(project)];
        Settings = PictureSettings.For(engine.Models[0], options.DefaultSteps);
        Begin();
        return true;
    }

    /// <summary>Goes on watching what was asked for before the page was opened anew.</summary>
    public void Resume()
    {
        if (Job is not null || Project is null)
            return;
        if (engine.Open(Project.Id) is [.., var open])
        {
            Follow(open);
        }
        else if (store.Versions(Project.Id) is var now && now.Count != versions.Count)
        {
            // It was over before anybody could watch.
            versions = [.. now];
            Begin();
            Changed?.Invoke();
        }
    }

    /// <summary>Shows a version: an edit beside its source, with the draft that led to it; any other as a source.</summary>
    public void Show(PictureVersion version)
    {
        if (version.Recipe is EditedRecipe edited && versions.Find(other => other.Id == edited.Source) is { } source)
        {
            // Phrases stay in one piece as long as the draft is the one that led here.
            if (Source?.Id != source.Id || StudioJson.Write(Draft.Recipe(source.Id)) != StudioJson.Write(edited))
                Draft = Draft.Of(source.Recipe.Prompt, edited);
            (Source, Edit, Other) = (source, version, null);
            Settings = PictureSettings.Of(source, Settings);
        }
        else
        {
            UseAsSource(version);
        }

        Problem = null;
        Changed?.Invoke();
    }

    /// <summary>Makes a version the one that edits follow.</summary>
    public void UseAsSource(PictureVersion version)
    {
        // What was filled is seen beside what was there.
        var before = version.Recipe is InpaintedRecipe ? versions.Find(other => other.Id == version.Parent) : null;
        (Source, Edit, Other) = (version, null, before);
        Draft = Draft.Of(version.Recipe.Prompt);
        Settings = PictureSettings.Of(version, Settings);
        Changed?.Invoke();
    }

    /// <summary>Compares the shown picture with another one; null to compare it with its source again.</summary>
    public void CompareWith(PictureVersion? other)
    {
        Other = other == Shown ? null : other;
        Changed?.Invoke();
    }

    /// <summary>Draws a new picture.</summary>
    public void Draw(string prompt) => Submit(null, Settings.Draw(prompt));

    /// <summary>Inverts a picture that was sent.</summary>
    public void Invert(InvertedRecipe recipe) => Submit(null, recipe);

    /// <summary>Fills a part of the shown picture.</summary>
    /// <param name="mask">The brushed mask, by the name it is stored under.</param>
    /// <param name="prompt">What the whole picture shall show.</param>
    public void Fill(string mask, string prompt)
    {
        if (Shown is { } shown)
            Submit(shown.Id, Settings.Fill(shown.Picture, mask, prompt));
    }

    /// <summary>Takes over a draft and makes its picture.</summary>
    public void Apply(Draft draft)
    {
        Draft = draft;
        if (Source is { } source && draft.IsUnchanged)
        {
            Job?.Cancel();
            Edit = null;
            Changed?.Invoke();
        }
        else if (Source is not null)
        {
            Submit(Source.Id, draft.Recipe(Source.Id));
        }
    }

    /// <summary>Takes over a draft without making its picture yet.</summary>
    public void Think(Draft draft)
    {
        Draft = draft;
        Changed?.Invoke();
    }

    /// <summary>Stops what is being made.</summary>
    public void Cancel() => Job?.Cancel();

    /// <summary>Says that something went wrong.</summary>
    public void Complain(string? problem)
    {
        Problem = problem;
        Changed?.Invoke();
    }

    /// <summary>How many pictures were made from a version, in however many steps; they go when it goes.</summary>
    public int CountMadeFrom(PictureVersion version) => store.WithDescendants(version.Id).Count - 1;

    /// <summary>Deletes a version with all that was made from it.</summary>
    public void Delete(PictureVersion version)
    {
        engine.DeleteVersion(version.Id);
        versions = [.. store.Versions(version.Project)];
        Other = StillThere(Other);
        if (StillThere(Source) is null)
            Begin();
        else if (Edit is not null && StillThere(Edit) is null)
            UseAsSource(Source!);
        Changed?.Invoke();
    }

    /// <summary>Deletes the project.</summary>
    /// <returns>Where to go from here.</returns>
    public string DeleteProject()
    {
        engine.DeleteProject(Project!.Id);
        return store.Projects() is [var next, ..] ? $"/open/{next.Id}" : "/new";
    }

    public void Rename(string name)
    {
        if (Project is null || name.Trim().Length == 0)
            return;
        store.RenameProject(Project.Id, name.Trim());
        // Somebody else may have deleted it.
        Project = store.FindProject(Project.Id) ?? Project;
        Changed?.Invoke();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The job goes on: its picture will be there when the page is opened again.
        closing.Cancel();
        closing.Dispose();
    }

    // With the latest picture, or with nothing.
    private void Begin()
    {
        if (versions.Count > 0)
            Show(versions[^1]);
        else
            (Source, Edit, Other, Draft) = (null, null, null, Draft.Of(""));
    }

    private PictureVersion? StillThere(PictureVersion? version) => versions.Find(other => other.Id == version?.Id);

    private int StepsOf(PictureVersion version) => version.Recipe switch
    {
        DrawnRecipe drawn => drawn.Steps,
        InvertedRecipe inverted => inverted.Steps,
        InpaintedRecipe filled => filled.Steps,
        EditedRecipe edited when versions.Find(other => other.Id == edited.Source) is { } source => StepsOf(source),
        _ => Settings.Steps,
    };

    private void Submit(string? parent, Recipe recipe)
    {
        // Whoever moves on no longer wants what they asked for before.
        Job?.Cancel();
        try
        {
            Follow(engine.Submit(Project!.Id, parent, recipe));
        }
        catch (Exception e) when (e is InvalidInputException or QueueFullException or StudioClosedException)
        {
            Complain(e is InvalidInputException input ? input.Describe(Labels.OfSetting) : e.Message);
        }
    }

    private async void Follow(Job job)
    {
        (Job, Progress, Problem) = (job, job.Progress, null);
        Changed?.Invoke();
        try
        {
            await foreach (var progress in job.Watch(closing.Token))
            {
                // Another job has taken its place.
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
        (Job, Progress) = (null, null);
        if (progress.State == JobState.Failed)
        {
            Problem = progress.Setting is { } field ? $"{Labels.OfField(field)}: {progress.Problem}" : progress.Problem;
        }
        else if (progress.Version is { } id && store.FindVersion(id) is { } version)
        {
            versions = [.. store.Versions(version.Project)];
            Show(version);
        }
    }
}
