using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>
/// Turns recipes into versions: one at a time on the device, each picture made once. The page and the HTTP interface submit
/// and delete through this class; they read from the store.
/// </summary>
public sealed partial class StudioEngine : IAsyncDisposable
{
    private const int RememberedJobs = 256;

    // A job that was running when the program was killed may be the cause, so it is retried only once.
    internal const int MaxStarts = 2;

    private const string NoProject = "";

    private readonly StudioStore store;
    private readonly TimeProvider clock;
    private readonly ILogger<StudioEngine>? log;
    private readonly PictureMaker maker;
    private readonly DeviceQueue queue;
    private readonly EngineMeter meter;
    private readonly JobList jobs = new(RememberedJobs);

    // Held while jobs and versions are added or removed, so that no job starts from a version that is being deleted.
    private readonly Lock changing = new();

    // Held while a recipe is checked: its mask is decoded, which takes long and much memory, so one at a time and not under the other lock.
    private readonly Lock checking = new();

    /// <summary>Starts an engine and resumes the unfinished jobs of the last one. Models are loaded on demand.</summary>
    /// <param name="store">The store.</param>
    /// <param name="models">The models it offers, at least one; the first is the default.</param>
    /// <param name="limits">Its limits.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="log">Receives internal failures and notes on models.</param>
    public StudioEngine(StudioStore store, IReadOnlyList<OfferedModel> models, EngineLimits limits, TimeProvider clock, ILogger<StudioEngine>? log = null)
    {
        this.store = store;
        this.clock = clock;
        this.log = log;
        var loras = new AddedLoras(store.Folder, log);
        loras.Begin();
        Catalog = new ModelCatalog(models, loras, new AddedWords(store.Folder, log), log);
        maker = new PictureMaker(store, Catalog, limits.SessionBytes, clock, log);
        queue = new DeviceQueue(limits.QueueLength, Run, e => log?.LogError(e, "Memory of recorded sources could not be freed."));
        meter = new EngineMeter(() => queue.Length, () => maker.SessionBytes);
        Resume();
    }

    /// <summary>Names of the models, the default first.</summary>
    public IReadOnlyList<string> Models => Catalog.Names;

    /// <summary>What is known of the models without running them.</summary>
    internal ModelCatalog Catalog { get; }

    /// <summary>Raised when a job begins to wait or to run, ends, or changes its place.</summary>
    public event Action? QueueChanged;

    /// <summary>The waiting jobs in order.</summary>
    public IReadOnlyList<Job> WaitingJobs => queue.Waiting;

    /// <summary>The running job, or null.</summary>
    public Job? RunningJob => jobs.Open.FirstOrDefault(job => job.Progress.State == JobState.Running);

    /// <summary>Moves a waiting job among those of its project. The order holds after a restart.</summary>
    /// <param name="job">The job.</param>
    /// <param name="place">Its new place among them, from 0; the last for a larger number.</param>
    /// <returns>Whether it still waited.</returns>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public bool Move(Job job, int place)
    {
        lock (changing)
        {
            if (!queue.Move(job, place))
                return false;
            store.Jobs.Order([.. queue.Waiting.Select(waiting => waiting.Id)]);
        }

        QueueChanged?.Invoke();
        return true;
    }

    /// <summary>Number of waiting jobs.</summary>
    public int Waiting => queue.Length;

    /// <summary>Puts a recipe in the queue.</summary>
    /// <param name="project">The project its picture is for.</param>
    /// <param name="parent">The version it is made from; null for a new tree. For an edit it defaults to the source.</param>
    /// <param name="recipe">The recipe.</param>
    /// <exception cref="InvalidInputException">The recipe, or something it refers to, is invalid.</exception>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    /// <exception cref="StudioClosedException">The engine is closed.</exception>
    public Job Submit(string project, string? parent, Recipe recipe) => Submit(project, parent, recipe, isOfGrid: false);

    /// <summary>Puts a picture of a grid in the queue. It is not stored: a grid can be continued at any time.</summary>
    /// <inheritdoc cref="Submit(string, string?, Recipe)"/>
    internal Job SubmitOfGrid(string project, string? parent, Recipe recipe) => Submit(project, parent, recipe, isOfGrid: true);

    private Job Submit(string project, string? parent, Recipe recipe, bool isOfGrid)
    {
        parent ??= (recipe as EditedRecipe)?.Source;
        RequireProject(project);
        recipe = Checked(recipe);
        lock (changing)
            return Add(project, parent, recipe, isOfGrid);
    }

    /// <summary>Begins a project with its first picture. The picture's prompt names it.</summary>
    /// <param name="recipe">The recipe. Nothing is created if it is invalid.</param>
    /// <inheritdoc cref="Submit(string, string?, Recipe)"/>
    public Job Begin(Recipe recipe)
    {
        recipe = Checked(recipe);
        lock (changing)
        {
            RecipeCheck.RequireStored(recipe, store);
            queue.RequireRoom();
            return Add(store.CreateProject(ProjectName.Of(recipe.Prompt)).Id, (recipe as EditedRecipe)?.Source, recipe);
        }
    }

    /// <summary>The recorded sources in memory, the most recently used first.</summary>
    public IReadOnlyList<RecordedSession> Sessions =>
        [.. maker.Sessions.Select(held => new RecordedSession(held.Key, store.VersionsOf(VersionKey(held.Key)), held.Bytes, held.LastUsed))];

    /// <summary>Frees the memory of a recorded source, at once or after the running job. The next edit of it runs it again.</summary>
    /// <returns>Whether there is such a session.</returns>
    public bool FreeSession(string key)
    {
        if (maker.Sessions.All(held => held.Key != key))
            return false;
        queue.RunBetweenJobs(() => maker.Forget(held => held == key));
        return true;
    }

    /// <summary>The first unfinished job that learns a word, or null.</summary>
    public Job? Learning => jobs.Open.FirstOrDefault(job => job.Recipe is LearnedRecipe);

    /// <summary>Puts a word to learn in the queue. It belongs to no project.</summary>
    /// <exception cref="InvalidInputException">A setting is invalid, or the model has the word.</exception>
    /// <exception cref="QueueFullException">The queue is full.</exception>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    /// <exception cref="StudioClosedException">The engine is closed.</exception>
    public Job Learn(LearnedRecipe recipe)
    {
        recipe.Validate();
        recipe = (LearnedRecipe)Checked(recipe);
        Catalog.RequireNewWord(recipe.Model, recipe.Word);
        lock (changing)
        {
            RecipeCheck.RequireStored(recipe, store);
            queue.RequireRoom();
            var stored = new StoredJob(NewId(), NoProject, null, recipe);
            store.AddJob(stored);
            return Enqueue(stored);
        }
    }

    /// <summary>Saves settings under a name, in place of a preset of that name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="settings">The settings; their prompt and seed are not kept.</param>
    /// <exception cref="InvalidInputException">A setting is invalid.</exception>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    internal Preset SavePreset(string name, DrawnRecipe settings)
    {
        // A recipe cannot be checked without a prompt.
        var preset = new Preset(name, ((DrawnRecipe)Checked(settings with { Prompt = name })).ForAny());
        store.SavePreset(preset);
        return preset;
    }

    /// <summary>Adds a LoRA to a model.</summary>
    /// <param name="model">Name of the model.</param>
    /// <param name="file">Name of the file, which ends in .safetensors.</param>
    /// <param name="body">The file.</param>
    /// <param name="cancellationToken">Stops the upload.</param>
    /// <returns>Its name in recipes. Its weight there is 0 unless they give another one.</returns>
    /// <exception cref="InvalidInputException">It does not fit the model, or its name or one of its words is taken.</exception>
    /// <exception cref="QueueFullException">Another one is arriving.</exception>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public Task<string> AddLora(string model, string file, Stream body, CancellationToken cancellationToken = default) => Catalog.AddLora(model, file, body, cancellationToken);

    /// <summary>Removes a LoRA that was added to a model. Its pictures stay, but cannot be edited further.</summary>
    /// <returns>Whether there was one.</returns>
    public bool RemoveLora(string model, string name)
    {
        if (!Catalog.RemoveLora(model, name))
            return false;
        // Another file may get its name.
        queue.RunBetweenJobs(() => maker.UnloadWeighted(model));
        return true;
    }

    /// <summary>No longer offers a model, and unloads it. Its pictures stay, but cannot be edited further.</summary>
    /// <exception cref="InvalidInputException">A job that has not ended needs it.</exception>
    internal void RemoveModel(string model)
    {
        lock (changing)
        {
            if (jobs.Open.Count(job => job.Recipe.Root(store.Version).Model == model) is > 0 and var count)
                throw new InvalidInputException(nameof(RootRecipe.Model), count == 1 ? $"A job uses {model}." : $"{count} jobs use {model}.", count == 1 ? "Wait until it is done, or cancel it." : "Wait until they are done, or cancel them.");
            Catalog.Remove(model);
        }

        queue.RunBetweenJobs(() => maker.Unload(model));
    }

    /// <summary>State of the engine.</summary>
    public EngineState State => new(queue.IsAlive, maker.LoadedModel is not null, jobs.Open.Any(job => job.Progress.State == JobState.Running), queue.Length, maker.SessionBytes);

    /// <summary>A job, or null if it does not exist or is too old.</summary>
    public Job? Find(string id) => jobs.Find(id);

    /// <summary>The unfinished jobs of a project.</summary>
    public IReadOnlyList<Job> Open(string project) => [.. jobs.Open.Where(job => job.Project == project)];

    /// <summary>Requires that a recipe is valid for a project.</summary>
    /// <exception cref="InvalidInputException">The recipe, or something it refers to, is invalid.</exception>
    internal void Check(string project, Recipe recipe)
    {
        RequireProject(project);
        Checked(recipe);
    }

    /// <summary>Waits until one of the unfinished jobs ends.</summary>
    internal Task WhenAnyEnds(CancellationToken cancellationToken) =>
        jobs.Open is { Count: > 0 } open ? Task.WhenAny(open.Select(job => job.WhenOver(cancellationToken))) : Task.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await queue.DisposeAsync();
        maker.Dispose();
        meter.Dispose();
    }

    private void Resume()
    {
        store.RemoveUnfinishedFiles();
        foreach (var stored in store.Jobs.All())
        {
            try
            {
                if (stored.Starts >= MaxStarts)
                    throw new InvalidInputException($"The studio stopped twice while {(stored.Recipe is LearnedRecipe { Word: var word } ? $"learning {word}" : "making this picture")}. Submit it again to retry.");
                Checked(stored.Recipe);
                if (stored.Recipe is LearnedRecipe)
                    RecipeCheck.RequireStored(stored.Recipe, store);
                else
                    Require(stored.Project, stored.Parent, stored.Recipe);
                Enqueue(stored);
            }
            catch (InvalidInputException e)
            {
                // The offered models may have changed since.
                var job = new Job(stored, clock, End);
                jobs.Add(job);
                job.Update(now => now.Fail(e));
            }
        }
    }

    private Job Add(string project, string? parent, Recipe recipe, bool isOfGrid = false)
    {
        Require(project, parent, recipe);
        queue.RequireRoom();
        var stored = new StoredJob(NewId(), project, parent, recipe);
        if (!isOfGrid)
            store.AddJob(stored);
        return Enqueue(stored, isOfGrid);
    }

    private static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private Job Enqueue(StoredJob stored, bool isOfGrid = false)
    {
        var job = new Job(stored, clock, End) { IsOfGrid = isOfGrid };
        jobs.Add(job);
        queue.Add(job);
        QueueChanged?.Invoke();
        return job;
    }

    private void End(Job job, JobState state)
    {
        jobs.End(job);
        try
        {
            if (job.IsInterrupted && state == JobState.Cancelled)
            {
                store.Jobs.ClearStarts(job.Id);
            }
            else
            {
                store.Jobs.Remove(job.Id);
                if (job.Recipe is LearnedRecipe)
                    File.Delete(store.UnfinishedFile(job.Id));
            }
        }
        catch (Exception e)
        {
            // Clients are notified all the same; at worst the job is found done at the next start.
            log?.LogError(e, "The end of job {Job} could not be stored.", job.Id);
        }

        QueueChanged?.Invoke();
    }

    // Completes and checks a recipe, except that what it refers to may be deleted until the job is added.
    private Recipe Checked(Recipe recipe)
    {
        recipe = Catalog.Complete(recipe);
        lock (checking)
            RecipeCheck.Require(recipe, store, Models, Catalog.TokenizerFor);
        return recipe;
    }

    private void Require(string project, string? parent, Recipe recipe)
    {
        RequireProject(project);
        RecipeCheck.RequireStored(recipe, store);
        RecipeCheck.RequireName(nameof(Job.Parent), parent ?? "");
        RequireOf(project, nameof(EditedRecipe.Source), (recipe as EditedRecipe)?.Source);
        RequireOf(project, nameof(Job.Parent), parent);
    }

    private void RequireProject(string project)
    {
        if (store.FindProject(project) is null)
            throw new InvalidInputException(store.DescribeMissing("project", project));
    }

    private void RequireOf(string project, string setting, string? version)
    {
        if (version is not null && InvalidInputException.Naming(setting, () => store.Version(version)).Project != project)
            throw new InvalidInputException(setting, $"The version \"{version}\" belongs to another project.", $"Use one of the same project.");
    }

    // A source that was run with more chunks than its own prompts need has their number appended to its key.
    private static string VersionKey(string session) => session.Split('-')[0];

    private string? Run(Job job)
    {
        QueueChanged?.Invoke();
        var started = clock.GetTimestamp();
        var end = "failed";
        try
        {
            store.Jobs.CountStart(job.Id);
            string? version = null;
            if (job.Recipe is LearnedRecipe learned)
                maker.Learn(learned, job, new JobReporter(job, "learning", clock));
            else
                version = Make(job, started).Id;
            end = "done";
            return version;
        }
        catch (OperationCanceledException)
        {
            end = "cancelled";
            throw;
        }
        catch (Exception e) when (e is not InvalidInputException)
        {
            log?.LogError(e, "A job failed: {Recipe}", job.Recipe);
            throw;
        }
        finally
        {
            meter.Count(job.Recipe.GetType().Name, end, clock.GetElapsedTime(started));
        }
    }

    private PictureVersion Make(Job job, long started)
    {
        var key = maker.KeyOf(job.Recipe);
        lock (changing)
        {
            if (store.FindMade(key, job.Project, job.Parent) is { } here)
                return here;
            if (store.AddMadeVersion(job.Project, job.Parent, job.Recipe, key) is { } copied)
                return copied;
        }

        var made = maker.Make(job.Recipe, key, stage => new JobReporter(job, stage, clock), job.Stopping);
        if (LargeArrays.AreOf(made.Facts.Width, made.Facts.Height))
            LargeArrays.Collect();
        // A finished picture is kept even if the job is stopped now.
        var facts = made.Facts with { Seconds = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3) };
        return store.AddVersion(job.Project, job.Parent, job.Recipe, key, made.Picture, facts, made.Maps);
    }
}
