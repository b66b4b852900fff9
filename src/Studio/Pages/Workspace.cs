using System.Collections.Immutable;
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
    private readonly History<Moment> history = new();
    private List<PictureVersion> versions = [];
    private ImmutableHashSet<string> deleted = [];
    private (string? Parent, Recipe Recipe)? unfinished;

    // The draft whose picture is made when the running job is done.
    private Draft? next;

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

    /// <summary>The words of a new picture's prompt that the model does not read.</summary>
    public IReadOnlyList<string> CutOf(string prompt) => Settings.LongPrompts ? [] : engine.CutWords(Settings.Model, prompt);

    /// <summary>The words of the draft that the model does not read, the last ones of its text.</summary>
    public IReadOnlyList<string> Cut => Root is { LongPrompts: false } root ? engine.CutWords(root.Model, Draft.Prompt) : [];

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

    /// <summary>Whether the last picture was cancelled or failed, so that it can be tried again.</summary>
    public bool IsUnfinished => unfinished is not null && Job is null;

    public bool CanUndo => history.CanUndo;

    public bool CanRedo => history.CanRedo;

    // The picture at the beginning of the chain of sources.
    private RootRecipe? Root
    {
        get
        {
            var recipe = Source?.Recipe;
            while (recipe is EditedRecipe edited)
                recipe = versions.Find(version => version.Id == edited.Source)?.Recipe;
            return recipe as RootRecipe;
        }
    }

    private Moment Now => new(Source?.Id, Draft, deleted);

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
    /// <param name="project">Its id.</param>
    /// <param name="number">The picture to show; null for the latest.</param>
    /// <returns>Whether the project exists.</returns>
    public bool Open(string project, int? number = null)
    {
        // Asked for before the project is read, so that no change is missed.
        var change = store.NextChange(project);
        Project = store.FindProject(project);
        if (Project is null)
            return false;
        versions = [.. store.Versions(project)];
        Settings = PictureSettings.For(engine.Models[0], options.DefaultSteps);
        Begin();
        if (versions.Find(version => version.Number == number) is { } chosen)
            Display(chosen);
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

    /// <summary>Shows the picture with a number, if it is still there.</summary>
    public void Show(int number)
    {
        if (versions.Find(version => version.Number == number) is { } version && version.Id != Shown?.Id)
            Show(version);
    }

    /// <summary>Resumes watching a job that was started before the page was reopened.</summary>
    public void Resume()
    {
        if (Job is not null || Project is null)
            return;
        if (engine.Open(Project.Id) is [.., var open])
        {
            Watch(open);
            unfinished = (open.Parent, open.Recipe);
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
        history.Remember(Now);
        Display(version);
    }

    /// <summary>Makes a version the source of edits.</summary>
    public void UseAsSource(PictureVersion version)
    {
        history.Remember(Now);
        Follow(version);
    }

    /// <summary>Goes back to the words, windows, masks and pictures before the last change.</summary>
    public void Undo() => Return(history.Undo(Now));

    /// <summary>Makes the last undone change again.</summary>
    public void Redo() => Return(history.Redo(Now));

    /// <summary>Makes the picture that was cancelled or failed.</summary>
    public void TryAgain()
    {
        if (unfinished is { } last)
            Submit(last.Parent, last.Recipe);
    }

    private void Display(PictureVersion version)
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
            Follow(version);
        }

        (Problem, unfinished) = (null, null);
        Changed?.Invoke();
    }

    private void Follow(PictureVersion version)
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
    public void Draw(string prompt)
    {
        history.Remember(Now);
        Submit(null, Settings with { Prompt = prompt });
    }

    /// <summary>Makes the source again so that the model reads all words of its prompt and of the draft, then the draft's picture.</summary>
    public void ReadLongPrompts()
    {
        if (Source is not { } source || Root is not { } root)
            return;
        history.Remember(Now);
        var draft = Draft;
        Submit(source.Recipe is EditedRecipe ? null : source.Parent, root with { LongPrompts = true });
        next = draft.IsUnchanged ? null : draft;
    }

    /// <summary>Inverts an uploaded picture.</summary>
    public void Invert(InvertedRecipe recipe)
    {
        history.Remember(Now);
        Submit(null, recipe);
    }

    /// <summary>Inpaints a part of the shown picture.</summary>
    /// <param name="mask">Store name of the brushed mask.</param>
    /// <param name="prompt">Prompt for the whole picture.</param>
    public void Fill(string mask, string prompt)
    {
        if (Shown is not { } shown)
            return;
        history.Remember(Now);
        Submit(shown.Id, Settings.Fill(shown.Picture, mask, prompt));
    }

    /// <summary>Sets the draft and makes its picture.</summary>
    public void Apply(Draft draft)
    {
        history.Remember(Now);
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
    public void Think(Draft draft)
    {
        history.Remember(Now);
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

    /// <summary>Names a version; an empty text takes its name away.</summary>
    public void Name(PictureVersion version, string name) => Mark(version, name.Trim() is { Length: > 0 } text ? text : null, version.IsFavorite);

    /// <summary>Makes a version a favorite, or an ordinary one again.</summary>
    public void Favor(PictureVersion version) => Mark(version, version.Name, !version.IsFavorite);

    /// <summary>Number of descendants of a version. They are deleted with it.</summary>
    public int CountMadeFrom(PictureVersion version) => store.WithDescendants(version.Id).Intersect(versions.Select(other => other.Id)).Count() - 1;

    /// <summary>Deletes a version with its descendants. Undo brings them back while the page is open.</summary>
    /// <returns>Whether it could be deleted.</returns>
    public bool Delete(PictureVersion version)
    {
        var before = Now;
        if (!Try(() => deleted = deleted.Union(engine.TrashVersion(version.Id))))
            return false;
        history.Remember(before);
        Refresh();
        return true;
    }

    /// <summary>Brings a deleted version back, with its descendants.</summary>
    public void BringBack(PictureVersion version)
    {
        history.Remember(Now);
        var back = store.WithDescendants(version.Id).Where(deleted.Contains).ToList();
        engine.RestoreVersions(back);
        deleted = deleted.Except(back);
        versions = [.. store.Versions(version.Project)];
        if (StillThere(version) is { } here)
            Display(here);
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
        if (!deleted.IsEmpty)
            engine.EmptyTrash(deleted);
    }

    // Open with the latest picture, if any.
    private void Begin()
    {
        if (versions.Count > 0)
            Display(versions[^1]);
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
            if (StillThere(Source) is not { } source)
                Begin();
            else if (Edit is not null && StillThere(Edit) is null)
                Follow(source);
            else
                (Source, Edit) = (source, StillThere(Edit));
        }
        else
        {
            IsDeleted = true;
        }

        Changed?.Invoke();
    }

    private void Return(Moment moment)
    {
        Job?.Cancel();
        engine.RestoreVersions(deleted.Except(moment.Deleted));
        deleted = moment.Deleted.Except(deleted).Aggregate(moment.Deleted, (all, id) => all.Union(engine.TrashVersion(id)));
        versions = [.. store.Versions(Project!.Id)];
        if (versions.Find(version => version.Id == moment.Source) is not { } source)
        {
            Begin();
        }
        else if (FindEdit(source, moment.Draft) is { } edit)
        {
            Draft = moment.Draft;
            (Source, Edit, Other, Settings, Problem, unfinished) = (source, edit, null, PictureSettings.Of(source, Settings), null, null);
        }
        else
        {
            Follow(source);
            Draft = moment.Draft;
            Make();
        }

        Changed?.Invoke();
    }

    private PictureVersion? FindEdit(PictureVersion source, Draft draft) =>
        draft.IsUnchanged ? null : versions.Find(version => version.Recipe is EditedRecipe edited && StudioJson.Write<Recipe>(edited) == StudioJson.Write<Recipe>(draft.Recipe(source.Id)));

    private void Mark(PictureVersion version, string? name, bool isFavorite)
    {
        if (Try(() => store.Mark(version.Id, name, isFavorite)))
            Refresh();
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

    /// <summary>Steps of a version.</summary>
    public int StepsOf(PictureVersion version) => version.Recipe switch
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
            Watch(job);
            (unfinished, next) = ((parent, recipe), null);
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
        else if (progress.Version is { } id && store.FindVersion(id) is { } version)
        {
            versions = [.. store.Versions(version.Project)];
            Display(version);
            if (waiting is not null)
                Apply(waiting);
        }
    }
}
