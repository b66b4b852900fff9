using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>
/// Turns recipes into versions: one after another on the device, each picture made once. The page and the HTTP interface both ask this class
/// and nothing below it.
/// </summary>
public sealed class StudioEngine : IAsyncDisposable
{
    private const int RememberedJobs = 256;

    // What was running when the program was killed, perhaps because of it, is tried once more and not for ever.
    private const int MaxStarts = 2;

    private readonly StudioStore store;
    private readonly TimeProvider clock;
    private readonly ILogger<StudioEngine>? log;
    private readonly Dictionary<string, OfferedModel> offered;
    private readonly PictureMaker maker;
    private readonly DeviceQueue queue;
    private readonly EngineMeter meter;
    private readonly JobList jobs = new(RememberedJobs);

    // Held while jobs and versions are taken in or removed, so that nothing is made from what is just going.
    private readonly Lock changing = new();

    /// <summary>Starts an engine, which takes up again what was not over when the last one ended. Its models are loaded when they are needed.</summary>
    /// <param name="store">Where the work is kept.</param>
    /// <param name="models">The models it offers, at least one; the first is the usual one.</param>
    /// <param name="limits">What it takes on.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="log">Takes failures that nobody outside can mend, and what a person should know of a model.</param>
    public StudioEngine(StudioStore store, IReadOnlyList<OfferedModel> models, EngineLimits limits, TimeProvider clock, ILogger<StudioEngine>? log = null)
    {
        this.store = store;
        this.clock = clock;
        this.log = log;
        Models = [.. models.Select(model => model.Name)];
        offered = models.DistinctBy(model => model.Name).ToDictionary(model => model.Name, StringComparer.Ordinal);
        maker = new PictureMaker(store, models, limits.SessionBytes, clock, LogNotes);
        queue = new DeviceQueue(limits.QueueLength, Run, e => log?.LogError(e, "Memory of recorded sources could not be freed."));
        meter = new EngineMeter(() => queue.Length, () => maker.SessionBytes);
        Resume();
    }

    /// <summary>Names of the models, the usual one first.</summary>
    public IReadOnlyList<string> Models { get; }

    /// <summary>What a model was offered with on the command line, besides its name; nothing where it is not offered any more.</summary>
    public IReadOnlyList<string> ArgumentsOf(string model) => offered.GetValueOrDefault(model)?.Arguments ?? [];

    /// <summary>The words that a model was trained on; null where it does not list them or is no longer offered.</summary>
    internal ModelWords? WordsOf(string model) => offered.GetValueOrDefault(model)?.Words;

    /// <summary>Jobs that wait.</summary>
    public int Waiting => queue.Length;

    /// <summary>Puts a recipe in the queue.</summary>
    /// <param name="project">The project its picture is for.</param>
    /// <param name="parent">The version it comes from; null for a new beginning. Of an edit, its source where none is named.</param>
    /// <param name="recipe">The recipe.</param>
    /// <exception cref="InvalidInputException">The project, a version, a picture or a number does not fit.</exception>
    /// <exception cref="QueueFullException">Too many wait already.</exception>
    /// <exception cref="StudioClosedException">The engine is closed.</exception>
    public Job Submit(string project, string? parent, Recipe recipe)
    {
        parent ??= (recipe as EditedRecipe)?.Source;
        recipe = recipe is RootRecipe { Model: "" } root ? root with { Model = Models[0] } : recipe;
        lock (changing)
        {
            Require(project, parent, recipe);
            queue.RequirePlace();
            var stored = new StoredJob(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), project, parent, recipe);
            store.Jobs.Add(stored);
            return Enqueue(stored);
        }
    }

    /// <summary>The sources that are recorded in memory, the latest used first.</summary>
    public IReadOnlyList<RecordedSession> Sessions =>
        [.. maker.Sessions.Select(held => new RecordedSession(held.Key, store.VersionsOf(VersionKey(held.Key)), held.Bytes, held.LastUsed))];

    /// <summary>Frees the memory of a recorded source: at once, or when what is being made is done. It is run again when somebody edits it.</summary>
    /// <returns>Whether there is such a session.</returns>
    public bool FreeSession(string key)
    {
        if (maker.Sessions.All(held => held.Key != key))
            return false;
        queue.Between(() => maker.Forget(held => held == key));
        return true;
    }

    /// <summary>How the engine is.</summary>
    public EngineState State => new(queue.IsAlive, maker.LoadedModel is not null, jobs.Open.Any(job => job.Progress.State == JobState.Running), queue.Length, maker.SessionBytes);

    /// <summary>A job, or null where there is none or it was too long ago.</summary>
    public Job? Find(string id) => jobs.Find(id);

    /// <summary>The jobs of a project that are not over.</summary>
    public IReadOnlyList<Job> Open(string project) => [.. jobs.Open.Where(job => job.Project == project)];

    /// <summary>Deletes a version and all that was made from it, and stops what is being made from them.</summary>
    /// <returns>Whether there was such a version.</returns>
    public bool DeleteVersion(string id)
    {
        lock (changing)
        {
            var versions = store.WithDescendants(id).ToHashSet(StringComparer.Ordinal);
            Stop(job => versions.Contains(job.Parent ?? "") || (job.Recipe is EditedRecipe edited && versions.Contains(edited.Source)));
            Evict(store.RemoveVersions(versions));
            return versions.Count > 0;
        }
    }

    /// <summary>Deletes a project with all its versions, and stops what is being made for it.</summary>
    /// <returns>Whether there was such a project.</returns>
    public bool DeleteProject(string id)
    {
        lock (changing)
        {
            if (store.FindProject(id) is null)
                return false;
            Stop(job => job.Project == id);
            Evict(store.RemoveProject(id));
            return true;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await queue.DisposeAsync();
        maker.Dispose();
        meter.Dispose();
    }

    private void LogNotes(OfferedModel offered, StableDiffusionModel model)
    {
        IEnumerable<string> notes = model.Scheduler.Substitution is { } sampler ? [.. model.Notes, sampler] : model.Notes;
        foreach (var note in notes)
            log?.LogWarning("{Model}: {Note}", offered.Name, note);
    }

    private void Resume()
    {
        foreach (var stored in store.Jobs.All())
        {
            try
            {
                if (stored.Starts >= MaxStarts)
                    throw new InvalidInputException("The studio stopped twice while it was making this picture. Ask for it once more to try again.");
                Require(stored.Project, stored.Parent, stored.Recipe);
                Enqueue(stored);
            }
            catch (InvalidInputException e)
            {
                // Other models may be offered now.
                var job = new Job(stored, clock, End);
                jobs.Add(job);
                job.Update(now => now.Fail(e));
            }
        }
    }

    private Job Enqueue(StoredJob stored)
    {
        var job = new Job(stored, clock, End);
        jobs.Add(job);
        queue.Add(job);
        return job;
    }

    private void End(Job job, JobState state)
    {
        jobs.End(job);
        try
        {
            if (job.IsInterrupted && state == JobState.Cancelled)
                store.Jobs.ClearStarts(job.Id);
            else
                store.Jobs.Remove(job.Id);
        }
        catch (Exception e)
        {
            // Whoever waits is told all the same; at worst the job is found done at the next start.
            log?.LogError(e, "The end of job {Job} could not be stored.", job.Id);
        }
    }

    private void Require(string project, string? parent, Recipe recipe)
    {
        if (store.FindProject(project) is null)
            throw new InvalidInputException($"There is no project \"{project}\".");
        RecipeCheck.Require(recipe, store, Models);
        RecipeCheck.RequireName("parent", parent ?? "");
        RequireOf(project, parent);
        RequireOf(project, (recipe as EditedRecipe)?.Source);
    }

    private void RequireOf(string project, string? version)
    {
        if (version is not null && store.Version(version).Project != project)
            throw new InvalidInputException($"The version \"{version}\" belongs to another project.");
    }

    private void Stop(Func<Job, bool> predicate)
    {
        foreach (var job in jobs.Open.Where(predicate))
            job.Cancel();
    }

    // What is recorded of them serves nobody any more.
    private void Evict(IReadOnlyList<string> keys) => queue.Between(() => maker.Forget(key => keys.Contains(VersionKey(key))));

    // A source that was run with more windows than its own prompts need has their number behind its key.
    private static string VersionKey(string session) => session.Split('-')[0];

    private string Run(Job job)
    {
        var started = clock.GetTimestamp();
        var end = "failed";
        try
        {
            store.Jobs.CountStart(job.Id);
            var version = Make(job, started);
            end = "done";
            return version.Id;
        }
        catch (OperationCanceledException)
        {
            end = "cancelled";
            throw;
        }
        catch (Exception e) when (e is not InvalidInputException)
        {
            log?.LogError(e, "A picture could not be made: {Recipe}", job.Recipe);
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
            if (store.FindMade(key) is { } elsewhere)
                return store.AddVersion(job.Project, job.Parent, job.Recipe, key, elsewhere.Picture, elsewhere.Facts, store.Maps(elsewhere.Id));
        }

        var made = maker.Make(job.Recipe, key, stage => new JobReporter(job, stage, clock), job.Stopping);
        // A picture that is whole is kept, even if somebody stops it now.
        var facts = made.Facts with { Seconds = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3) };
        return store.AddVersion(job.Project, job.Parent, job.Recipe, key, store.AddPicture(made.Picture), facts, made.Maps);
    }
}
