using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>
/// Turns recipes into versions: one after another on the device, each picture made once. The page and the HTTP interface both ask this class
/// and nothing below it.
/// </summary>
public sealed class StudioEngine : IAsyncDisposable
{
    // Jobs that are over stay known for a while, for those who ask late.
    private const int RememberedJobs = 256;

    private readonly StudioStore store;
    private readonly TimeProvider clock;
    private readonly ILogger<StudioEngine>? log;
    private readonly PictureMaker maker;
    private readonly DeviceQueue queue;
    private readonly EngineMeter meter;
    private readonly ConcurrentDictionary<string, Job> jobs = [];
    private readonly ConcurrentQueue<string> order = [];

    /// <summary>Starts an engine; its models are loaded when they are needed.</summary>
    /// <param name="store">Where the work is kept.</param>
    /// <param name="models">The models it offers, at least one; the first is the usual one.</param>
    /// <param name="limits">What it takes on.</param>
    /// <param name="clock">Tells the time.</param>
    /// <param name="log">Is told of failures that nobody outside can mend.</param>
    public StudioEngine(StudioStore store, IReadOnlyList<OfferedModel> models, EngineLimits limits, TimeProvider clock, ILogger<StudioEngine>? log = null)
    {
        this.store = store;
        this.clock = clock;
        this.log = log;
        Models = [.. models.Select(model => model.Name)];
        maker = new PictureMaker(store, models, limits.SessionBytes, clock);
        queue = new DeviceQueue(limits.QueueLength, Run);
        meter = new EngineMeter(() => queue.Length, () => maker.SessionBytes);
    }

    /// <summary>Names of the models, the usual one first.</summary>
    public IReadOnlyList<string> Models { get; }

    /// <summary>Jobs that wait.</summary>
    public int Waiting => queue.Length;

    /// <summary>Puts a recipe in the queue.</summary>
    /// <param name="project">The project its picture is for.</param>
    /// <param name="parent">The version it comes from; null for a new beginning. Of an edit, its source where none is named.</param>
    /// <param name="recipe">The recipe.</param>
    /// <exception cref="InvalidInputException">The project, a version, a picture or a number does not fit.</exception>
    /// <exception cref="QueueFullException">Too many wait already.</exception>
    public Job Submit(string project, string? parent, Recipe recipe)
    {
        if (store.FindProject(project) is null)
            throw new InvalidInputException($"There is no project \"{project}\".");
        parent ??= (recipe as EditedRecipe)?.Source;
        recipe = recipe switch
        {
            DrawnRecipe { Model: "" } drawn => drawn with { Model = Models[0] },
            InvertedRecipe { Model: "" } inverted => inverted with { Model = Models[0] },
            InpaintedRecipe { Model: "" } filled => filled with { Model = Models[0] },
            _ => recipe,
        };
        RequireOf(project, parent);
        RecipeCheck.Require(recipe, store, Models);
        RequireOf(project, (recipe as EditedRecipe)?.Source);
        var job = new Job(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), project, parent, recipe, clock);
        queue.Add(job);
        Remember(job);
        return job;
    }

    /// <summary>A job, or null where there is none or it was too long ago.</summary>
    public Job? Find(string id) => jobs.GetValueOrDefault(id);

    /// <summary>The jobs of a project that are not over.</summary>
    public IReadOnlyList<Job> Open(string project) => [.. jobs.Values.Where(job => job.Project == project && !job.Progress.IsOver)];

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await queue.DisposeAsync();
        maker.Dispose();
        meter.Dispose();
    }

    private void RequireOf(string project, string? version)
    {
        if (version is not null && store.Version(version).Project != project)
            throw new InvalidInputException($"The version \"{version}\" belongs to another project.");
    }

    private void Remember(Job job)
    {
        jobs[job.Id] = job;
        order.Enqueue(job.Id);
        while (order.Count > RememberedJobs && order.TryDequeue(out var oldest))
        {
            if (jobs.TryRemove(oldest, out var forgotten) && forgotten.Progress.IsOver)
                forgotten.Dispose();
        }
    }

    private string Run(Job job)
    {
        var started = clock.GetTimestamp();
        var end = "failed";
        try
        {
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
        if (store.FindMade(key, job.Project, job.Parent) is { } here)
            return here;
        if (store.FindMade(key) is { } elsewhere)
            return store.AddVersion(job.Project, job.Parent, job.Recipe, key, elsewhere.Picture, elsewhere.Facts, store.Maps(elsewhere.Id));
        var made = maker.Make(job.Recipe, key, stage => new JobReporter(job, stage, clock), job.Stopping);
        // A picture that is whole is kept, even if somebody stops it now.
        var facts = made.Facts with { Seconds = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3) };
        return store.AddVersion(job.Project, job.Parent, job.Recipe, key, store.AddPicture(made.Picture), facts, made.Maps);
    }
}
