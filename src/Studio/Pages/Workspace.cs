using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
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
public sealed partial class Workspace(StudioStore store, StudioEngine engine, StudioOptions options) : IDisposable
{
    private const int MaxPrompts = 50;

    private readonly CancellationTokenSource closing = new();
    private List<PictureVersion> versions = [];
    private int opened;

    /// <summary>Raised after every change.</summary>
    public event Action? Changed;

    /// <summary>The project; null before its first picture is asked for.</summary>
    public Project? Project { get; private set; }

    /// <summary>Whether the project was deleted, here or on another page.</summary>
    public bool IsDeleted { get; private set; }

    public IReadOnlyList<PictureVersion> Versions => versions;

    public IReadOnlyList<string> Models => engine.Models;

    /// <summary>The words of the selected model; null if it does not list them.</summary>
    internal ModelWords? Words => engine.Catalog.WordsOf(Settings.Model);

    /// <summary>The learned words of the selected model; none as long as it was not loaded.</summary>
    public IReadOnlyList<string> LearnedWords => engine.Catalog.LearnedWordsOf(Settings.Model);

    /// <summary>The LoRAs of the selected model, with the weights in the settings.</summary>
    internal IReadOnlyList<Lora> Loras => LoraWeights.Read(LoraWeights.Known(Settings.Loras, OfferedLoras), OfferedLoras);

    private IReadOnlyList<Lora> OfferedLoras => engine.Catalog.LorasOf(Settings.Model);

    /// <summary>Sets the weight of a LoRA of the selected model.</summary>
    internal void Weigh(Lora lora, double weight) => Settings = Settings with
    {
        Loras = LoraWeights.Write([.. Loras.Select(other => other.Path == lora.Path ? other with { Weight = weight } : other)], OfferedLoras),
    };

    /// <summary>The settings as a preset has them.</summary>
    internal DrawnRecipe Preset => Settings.ForAny();

    /// <summary>Saves the settings under a name.</summary>
    /// <returns>Whether they could be saved.</returns>
    internal bool SavePreset(string name) => Try(() => engine.SavePreset(name, Settings));

    /// <summary>Deletes a preset.</summary>
    /// <returns>Whether it was deleted.</returns>
    internal bool Delete(Preset preset) => Try(() => store.Presets.Remove(preset.Name));

    /// <summary>Brings a deleted preset back, unless there is another one of its name by now.</summary>
    internal void BringBack(Preset preset)
    {
        if (store.Presets.All().Any(other => other.Name == preset.Name))
            Complain($"A new preset is called {preset.Name}. It was kept, and the deleted one was not brought back.");
        else
            Try(() => store.SavePreset(preset));
    }

    /// <summary>Takes over the settings of a preset. The seed stays.</summary>
    internal void Use(Preset preset)
    {
        var settings = preset.Settings with { Seed = Settings.Seed };
        var isOffered = engine.Models.Contains(settings.Model);
        Settings = isOffered ? settings : settings with { Model = Settings.Model };
        Complain(isOffered ? null : $"The model of the preset, {preset.Settings.Model}, is not offered here. {Path.GetFileName(Settings.Model)} stays.");
    }

    /// <summary>The pictures to learn a word from.</summary>
    internal IReadOnlyList<string> Examples { get; private set; } = [];

    /// <summary>Adds a picture to learn a word from.</summary>
    internal void AddExample(string picture)
    {
        Examples = [.. Examples.Append(picture).Distinct().Take(LearnedRecipe.MaxPictures)];
        Changed?.Invoke();
    }

    /// <summary>Leaves out all pictures to learn a word from.</summary>
    internal void ClearExamples() => Examples = [];

    /// <summary>Leaves out a picture to learn a word from.</summary>
    internal void RemoveExample(string picture)
    {
        Examples = [.. Examples.Where(other => other != picture)];
        Changed?.Invoke();
    }

    /// <summary>Chooses a model that was fetched on this page.</summary>
    internal void UseModel(string model)
    {
        Settings = Settings with { Model = model, Loras = null };
        Changed?.Invoke();
    }

    /// <summary>Applies a LoRA that was added on this page.</summary>
    internal void UseLora(string model, string name)
    {
        if (Settings.Model == model && Loras.FirstOrDefault(lora => LoraWeights.Name(lora) == name) is { } lora)
            Weigh(lora, 1);
        Changed?.Invoke();
    }

    /// <summary>The words of a new picture's prompt that the model does not read.</summary>
    public IReadOnlyList<string> CutOf(string prompt) => Settings.LongPrompts ? [] : engine.Catalog.CutWords(Settings.Model, prompt);

    /// <summary>The words of the draft that the model does not read, the last ones of its text.</summary>
    public IReadOnlyList<string> Cut => Root is { LongPrompts: false } root ? engine.Catalog.CutWords(root.Model, Draft.Prompt) : [];

    /// <summary>The prompts of the project, the latest first.</summary>
    public IReadOnlyList<string> Prompts => [.. versions.Select(version => version.Recipe.Prompt).Reverse().Distinct().Take(MaxPrompts)];

    /// <summary>The source of edits, or null.</summary>
    public PictureVersion? Source { get; private set; }

    /// <summary>The shown edit; null if the source itself is shown.</summary>
    public PictureVersion? Edit { get; private set; }

    /// <summary>The shown version.</summary>
    public PictureVersion? Shown => Edit ?? Source;

    public Draft Draft { get; private set; } = Draft.Of("");

    public DrawnRecipe Settings
    {
        get;
        set => field = value with { Loras = LoraWeights.Known(value.Loras, engine.Catalog.LorasOf(value.Model)) };
    } = PictureSettings.For("", SamplingSettings.DefaultSteps);

    /// <summary>Steps of the source and its edits.</summary>
    public int Steps => Source is { } source ? StepsOf(source) : Settings.Steps;

    /// <summary>The picture that the shown one is compared with; null for the source.</summary>
    public PictureVersion? Other { get; private set; }

    /// <summary>How source and edit are shown: <c>slider</c>, <c>beside</c> or <c>alone</c>.</summary>
    public string View { get; set; } = "slider";

    /// <summary>The error message to show, or null.</summary>
    public string? Problem { get; private set; }

    // The picture at the beginning of the chain of sources.
    private RootRecipe? Root => Source?.Recipe.Root(id => versions.First(version => version.Id == id));

    /// <summary>How the shown picture was made; null for none.</summary>
    internal string? ShownSettings => Root is { } root && Shown is { } shown ? $"Picture {shown.Number}: {PictureSettings.Describe(root)}" : null;

    /// <summary>Whether the shown edit matches the draft.</summary>
    public bool IsUpToDate => Edit?.Recipe is EditedRecipe edited ? StudioJson.Write<Recipe>(edited) == StudioJson.Write<Recipe>(Draft.Recipe(edited.Source)) : Draft.IsUnchanged;

    /// <summary>
    /// The attention map of a draft word as version:word: from the shown edit if it has this word, else from the source; null for none.
    /// </summary>
    public string? MapOf(int index)
    {
        // The preview of a running job is not covered.
        if (Job is not null)
            return null;
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
        opened = versions.Count;
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

    /// <summary>Shows a version: an edit with its source and its draft, or any other version as a source.</summary>
    public void Show(PictureVersion version)
    {
        Remember(Now);
        Display(version);
    }

    /// <summary>Makes a version the source of edits.</summary>
    public void UseAsSource(PictureVersion version)
    {
        Remember(Now);
        Adopt(version);
    }

    private void Display(PictureVersion version)
    {
        if (version.Recipe is EditedRecipe edited && versions.Find(other => other.Id == edited.Source) is { } source)
        {
            // Keep phrases together if the current draft led to this edit.
            if (Source?.Id != source.Id || StudioJson.Write(Draft.Recipe(source.Id)) != StudioJson.Write(edited))
                Draft = Draft.Of(source.Recipe.Prompt, edited);
            (Source, Edit, Other) = (source, version, null);
            Settings = PictureSettings.Of(Root, Settings);
        }
        else
        {
            Adopt(version);
        }

        (Problem, unfinished) = (null, null);
        Changed?.Invoke();
    }

    private void Adopt(PictureVersion version)
    {
        // Show an inpainted picture beside its original.
        var before = version.Recipe is InpaintedRecipe ? versions.Find(other => other.Id == version.Parent) : null;
        (Source, Edit, Other) = (version, null, before);
        Draft = Draft.Of(version.Recipe.Prompt);
        Settings = PictureSettings.Of(Root, Settings);
        Changed?.Invoke();
    }

    /// <summary>Compares the shown picture with another one, or with its source (null).</summary>
    public void CompareWith(PictureVersion? other)
    {
        Other = other == Shown ? null : other;
        Changed?.Invoke();
    }

    /// <summary>Sets or clears the error message.</summary>
    public void Complain(string? problem)
    {
        Problem = problem;
        Changed?.Invoke();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The job continues; its picture is there when the page is reopened.
        closing.Cancel();
        closing.Dispose();
        if (!deleted.IsEmpty)
            engine.EmptyTrash(Project!.Id, deleted);
    }

    // Open with the latest picture, if any.
    private void Begin()
    {
        if (versions.Count > 0)
            Display(versions[^1]);
        else
            (Source, Edit, Other, Draft) = (null, null, null, Draft.Of(""));
    }

    // Reads the project again. The shown pictures stay, if they are still there.
    private void Refresh()
    {
        if (store.FindProject(Project!.Id) is { } now)
        {
            (Project, versions) = (now, [.. store.Versions(now.Id)]);
            Other = StillThere(Other);
            if (StillThere(Source) is not { } source)
                Begin();
            else if (Edit is not null && StillThere(Edit) is null)
                Adopt(source);
            else
                (Source, Edit) = (source, StillThere(Edit));
        }
        else
        {
            IsDeleted = true;
        }

        Changed?.Invoke();
    }

    private async void FollowProject(string project, Task change)
    {
        // The source is disposed with the page, perhaps while a change is read.
        var closed = closing.Token;
        try
        {
            while (!IsDeleted)
            {
                await change.WaitAsync(closed);
                change = store.NextChange(project);
                Refresh();
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed.
        }
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

    /// <summary>Steps of a version.</summary>
    public int StepsOf(PictureVersion version) => version.Recipe switch
    {
        DrawnRecipe drawn => drawn.Steps,
        InvertedRecipe inverted => inverted.Steps,
        InpaintedRecipe filled => filled.Steps,
        EditedRecipe edited when versions.Find(other => other.Id == edited.Source) is { } source => StepsOf(source),
        _ => Settings.Steps,
    };
}
