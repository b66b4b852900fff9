using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>
/// Fetches models from the hub, one at a time and not on the device's thread, and offers them. The hub is the process's own: a visitor chooses only a name
/// there, never an address or a path.
/// </summary>
/// <param name="store">Remembers the fetched models.</param>
/// <param name="catalog">The models on offer.</param>
/// <param name="options">The hub, and how to offer a fetched model.</param>
/// <param name="clock">The clock.</param>
/// <param name="log">Receives internal failures.</param>
internal sealed class ModelFetcher(StudioStore store, ModelCatalog catalog, StudioOptions options, TimeProvider clock, ILogger<ModelFetcher>? log = null) : IAsyncDisposable
{
    private const int Remembered = 16;

    private readonly Lock changing = new();
    private readonly List<ModelFetch> fetches = [];
    private bool isClosed;

    /// <summary>Raised when the progress changes, and when a model was added.</summary>
    public event Action? Changed;

    /// <summary>Whether models can be fetched.</summary>
    public bool IsAble => options.OfferFetched is not null;

    /// <summary>The running download, or null.</summary>
    public ModelFetch? Running
    {
        get
        {
            lock (changing)
                return fetches.Find(fetch => !fetch.Progress.IsOver);
        }
    }

    /// <summary>A download, or null if it does not exist or is too old.</summary>
    public ModelFetch? Find(string id)
    {
        lock (changing)
            return fetches.Find(fetch => fetch.Id == id);
    }

    /// <summary>The models that were fetched earlier and are still in the cache.</summary>
    internal static IReadOnlyList<OfferedModel> Restore(StudioStore store, StudioOptions options, ILogger? log)
    {
        var models = new List<OfferedModel>();
        if (options.OfferFetched is not { } offer)
            return models;
        foreach (var name in store.FetchedModels.All())
        {
            try
            {
                var request = Parse(name);
                var cached = new HubCache(options.Hub.CacheFolder).Repository(request.Repository);
                if (cached.Find(request.Revision)?.Path is { } folder)
                    models.Add(offer(name, folder));
            }
            catch (Exception e) when (e is InvalidInputException or IOException or UnauthorizedAccessException)
            {
                // The cache belongs to the hub's tools, which may have changed it.
                log?.LogWarning("{Model} is no longer offered: {Problem}", name, e.Message);
            }
        }

        return models;
    }

    /// <summary>Begins a download. One of a model that is on offer is over at once, and one that runs already is returned.</summary>
    /// <param name="model">OWNER/NAME or OWNER/NAME@REVISION.</param>
    /// <exception cref="InvalidInputException">It is not a name of the hub.</exception>
    /// <exception cref="QueueFullException">Another model is being fetched.</exception>
    /// <exception cref="StudioClosedException">The studio is closing.</exception>
    public ModelFetch Fetch(string model)
    {
        RecipeCheck.RequireName(nameof(RootRecipe.Model), model);
        var name = model.Trim();
        if (options.OfferFetched is not { } offer)
            throw new InvalidInputException(nameof(RootRecipe.Model), "This studio cannot fetch models.", "Start it with the model.");
        var request = catalog.Find(name) is null ? InvalidInputException.Naming(nameof(RootRecipe.Model), () => Parse(name)) : null;
        ModelFetch fetch;
        lock (changing)
        {
            if (isClosed)
                throw new StudioClosedException();
            if (request is not null && Running is { } running)
                return running.Name == name ? running : throw new QueueFullException($"{running.Name} is being fetched. Wait until it is done, or cancel it.");
            fetch = new ModelFetch(name, clock, () => Changed?.Invoke());
            fetches.Add(fetch);
            if (fetches.Count > Remembered)
                fetches.RemoveAt(0);
        }

        if (request is null)
            fetch.End(JobState.Done);
        else
            _ = Task.Run(() => Run(fetch, request, offer));
        return fetch;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        List<ModelFetch> all;
        lock (changing)
        {
            isClosed = true;
            all = [.. fetches];
        }

        foreach (var fetch in all)
        {
            fetch.Cancel();
            await fetch.WhenOver;
            fetch.Dispose();
        }
    }

    private static PullRequest Parse(string name)
    {
        var parts = name.Split(ModelLocation.RevisionMark, 2);
        return new PullRequest(HubRepository.Parse(parts[0])) { Revision = HubRevision.Parse(parts.ElementAtOrDefault(1) ?? HubRevision.Main) };
    }

    private async Task Run(ModelFetch fetch, PullRequest request, Func<string, string, OfferedModel> offer)
    {
        try
        {
            var pulled = await new ModelPull(options.Hub).RunAsync(request, fetch, fetch.Stopping);
            RequireModel(pulled.Path);
            var model = offer(fetch.Name, pulled.Path);
            store.AddFetchedModel(fetch.Name);
            catalog.Add(model);
            fetch.End(JobState.Done);
        }
        catch (OperationCanceledException) when (fetch.Stopping.IsCancellationRequested)
        {
            fetch.End(JobState.Cancelled);
        }
        catch (Exception e)
        {
            if (e is not (InvalidInputException or DiskFullException))
                log?.LogError(e, "{Model} could not be fetched.", fetch.Name);
            fetch.End(JobState.Failed, JobProgress.Describe(e));
        }
    }

    // The hub also has tokenizers, autoencoders and kinds of models that draw nothing here.
    private static void RequireModel(string folder)
    {
        using var files = ModelFiles.Open(folder);
        foreach (var tokenizer in files.LoadTokenizers())
            files.RequireFit(tokenizer);
    }
}
