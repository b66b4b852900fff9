using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

/// <summary>
/// State of one open page: a project, the selected source, the shown edit, and the draft of the next edit. All work is done
/// by the engine; a reopened page finds everything in the store. Changes of the project on other pages are followed.
/// </summary>
public sealed class Workspace(StudioStore store, StudioEngine engine, StudioOptions options) : IDisposable
{
    private readonly CancellationTokenSource closing = new();
    private List<PictureVersion> versions = [];

    /// <summary>Raised after every change.</summary>
    public event Action? Changed;

    /// <summary>The project; null before its first picture is asked for.</summary>
    public Project? Project { get; private set; }

    /// <summary>Whether the project was deleted, here or on another page.</summary>
    public bool IsDeleted { get; private set; }

    public IReadOnlyList<PictureVersion> Versions => versions;

    public IReadOnlyList<string> Models => engine.Models;

    /// <summary>The words of the selected model; null if it does not list them.</summary>
    internal ModelWords? Words => engine.WordsOf(Settings.Model);

    /// <summary>The source of edits, or null.</summary>
    public PictureVersion? Source { get; private set; }

    /// <summary>The shown edit; null if the source itself is shown.</summary>
    public PictureVersion? Edit { get; private set; }

    /// <summary>The shown version.</summary>
    public PictureVersion? Shown => Edit ?? Source;

    public Draft Draft { get; private set; } = Draft.Of("");

    public DrawnRecipe Settings { get; set; } = PictureSettings.For("", SamplingSettings.DefaultSteps);

    /// <summary>Steps of the source and its edits.</summary>
    public int Steps => Source is { } source ? StepsOf(source) : Settings.Steps;

    /// <summary>The picture that the shown one is compared with; null for the source.</summary>
    public PictureVersion? Other { get; private set; }

    /// <summary>The unfinished job of this page, or null.</summary>
    public Job? Job { get; private set; }

    public JobProgress? Progress { get; private set; }

    /// <summary>How source and edit are shown: <c>slider</c>, <c>beside</c> or <c>alone</c>.</summary>
    public string View { get; set; } = "slider";

    /// <summary>The error message to show, or null.</summary>
    public string? Problem { get; private set; }

    /// <summary>Whether the shown edit matches the draft.</summary>
    public bool IsUpToDate => Edit?.Recipe is EditedRecipe edited ? StudioJson.Write<Recipe>(edited) == StudioJson.Write<Recipe>(Draft.Recipe(edited.Source)) : Draft.IsUnchanged;

    /// <summary>
    /// The attention map of a draft word as version:word: from the shown edit if it has this word, else from the source; null for none.
    /// </summary>
    public string? MapOf(int index)
    {
        var word = Draft.Words[index];
        if (Edit is { } edit && IsUpToDate && !word.IsRemoved)
            return $"{edit.Id}:{Draft.IndexInEdit(index) + word.Count - 1}";
        return Source is { } source && Draft.IndexInSource(index) is { } place ? $"{source.Id}:{place}" : null;
    }

    /// <summary>Opens a project and restores its state.</summary>
    public bool Open(string project)
    {
        // Asked for before the project is read, so that no change is missed.
        var change = store.NextChange(project);
        Project = store.FindProject(project);
        if (Project is null)
            return false;
        versions = [.. store.Versions(project)];
        Settings = PictureSettings.For(engine.Models[0], options.DefaultSteps);
        Begin();
        FollowProject(project, change);
        return true;
    }

    /// <summary>Opens without a project. The first picture begins one.</summary>
    /// <param name="after">Id of the project whose settings to take over, except the seed; null for none.</param>
    public void OpenNew(string? after)
    {
        var usual = PictureSettings.For(engine.Models[0], options.DefaultSteps);
        var last = after is null ? null : store.Versions(after).Select(version => version.Recipe).OfType<DrawnRecipe>().LastOrDefault(drawn => engine.Models.Contains(drawn.Model));
        Settings = last is null ? usual : PictureSettings.Of(last) with { Seed = usual.Seed };
    }

    /// <summary>Resumes watching a job that was started before the page was reopened.</summary>
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
            // It ended before this page could watch it.
            versions = [.. now];
            Begin();
            Changed?.Invoke();
        }
    }

    /// <summary>Shows a version: an edit with its source and its draft, or any other version as a source.</summary>
    public void Show(PictureVersion version)
    {
        if (version.Recipe is EditedRecipe edited && versions.Find(other => other.Id == edited.Source) is { } source)
        {
            // Keep phrases together if the current draft led to this edit.
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

    /// <summary>Makes a version the source of edits.</summary>
    public void UseAsSource(PictureVersion version)
    {
        // Show an inpainted picture beside its original.
        var before = version.Recipe is InpaintedRecipe ? versions.Find(other => other.Id == version.Parent) : null;
        (Source, Edit, Other) = (version, null, before);
        Draft = Draft.Of(version.Recipe.Prompt);
        Settings = PictureSettings.Of(version, Settings);
        Changed?.Invoke();
    }

    /// <summary>Compares the shown picture with another one, or with its source (null).</summary>
    public void CompareWith(PictureVersion? other)
    {
        Other = other == Shown ? null : other;
        Changed?.Invoke();
    }

    /// <summary>Generates a new picture.</summary>
    public void Draw(string prompt) => Submit(null, Settings with { Prompt = prompt });

    /// <summary>Inverts an uploaded picture.</summary>
    public void Invert(InvertedRecipe recipe) => Submit(null, recipe);

    /// <summary>Inpaints a part of the shown picture.</summary>
    /// <param name="mask">Store name of the brushed mask.</param>
    /// <param name="prompt">Prompt for the whole picture.</param>
    public void Fill(string mask, string prompt)
    {
        if (Shown is { } shown)
            Submit(shown.Id, Settings.Fill(shown.Picture, mask, prompt));
    }

    /// <summary>Sets the draft and makes its picture.</summary>
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

    /// <summary>Sets the draft without making its picture.</summary>
    public void Think(Draft draft)
    {
        Draft = draft;
        Changed?.Invoke();
    }

    /// <summary>Stops the running job.</summary>
    public void Cancel() => Job?.Cancel();

    /// <summary>Sets or clears the error message.</summary>
    public void Complain(string? problem)
    {
        Problem = problem;
        Changed?.Invoke();
    }

    /// <summary>Number of descendants of a version. They are deleted with it.</summary>
    public int CountMadeFrom(PictureVersion version) => store.WithDescendants(version.Id).Count - 1;

    /// <summary>Deletes a version with its descendants.</summary>
    /// <returns>Whether it could be deleted.</returns>
    public bool Delete(PictureVersion version)
    {
        if (!Try(() => engine.DeleteVersion(version.Id)))
            return false;
        Refresh();
        return true;
    }

    /// <summary>Deletes the project.</summary>
    /// <returns>The next address to open; null if it could not be deleted.</returns>
    public string? DeleteProject()
    {
        if (!Try(() => engine.DeleteProject(Project!.Id)))
            return null;
        return store.Projects() is [var next, ..] ? $"/open/{next.Id}" : "/new";
    }

    public void Rename(string name)
    {
        if (Project is not null && name.Trim().Length > 0 && Try(() => store.RenameProject(Project.Id, name.Trim())))
            Refresh();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The job continues; its picture is there when the page is reopened.
        closing.Cancel();
        closing.Dispose();
    }

    // Open with the latest picture, if any.
    private void Begin()
    {
        if (versions.Count > 0)
            Show(versions[^1]);
        else
            (Source, Edit, Other, Draft) = (null, null, null, Draft.Of(""));
    }

    // Reads the project again. What is shown stays, if it is still there.
    private void Refresh()
    {
        if (store.FindProject(Project!.Id) is { } now)
        {
            (Project, versions) = (now, [.. store.Versions(now.Id)]);
            Other = StillThere(Other);
            if (StillThere(Source) is null)
                Begin();
            else if (Edit is not null && StillThere(Edit) is null)
                UseAsSource(Source!);
        }
        else
        {
            IsDeleted = true;
        }

        Changed?.Invoke();
    }

    private async void FollowProject(string project, Task change)
    {
        try
        {
            while (!IsDeleted)
            {
                await change.WaitAsync(closing.Token);
                change = store.NextChange(project);
                Refresh();
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed.
        }
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
        // Another action replaces the previous request.
        Job?.Cancel();
        Try(() =>
        {
            var job = Project is null ? engine.Begin(recipe) : engine.Submit(Project.Id, parent, recipe);
            Project ??= store.FindProject(job.Project);
            Follow(job);
        });
    }

    private bool Try(Action work)
    {
        try
        {
            work();
            return true;
        }
        catch (Exception e) when (e is InvalidInputException or QueueFullException or DiskFullException or StudioClosedException)
        {
            Complain(e is InvalidInputException input ? input.Describe(Labels.OfSetting) : e.Message);
            return false;
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
