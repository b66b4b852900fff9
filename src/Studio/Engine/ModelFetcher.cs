using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>
/// Fetches models from the hub, one at a time and not on the device's thread, offers them, and removes them again. The hub is the process's own: a visitor chooses only a name
/// there, never an address or a path.
/// </summary>
/// <param name="store">Remembers the fetched models.</param>
/// <param name="engine">Offers the models.</param>
/// <param name="options">The hub, and how to offer a fetched model.</param>
/// <param name="clock">The clock.</param>
/// <param name="log">Receives internal failures.</param>
internal sealed class ModelFetcher(StudioStore store, StudioEngine engine, StudioOptions options, TimeProvider clock, ILogger<ModelFetcher>? log = null) : IAsyncDisposable
{
    private const int Remembered = 16;
    private const int LongestVariant = 40;

    private readonly Lock changing = new();
    private readonly List<ModelFetch> fetches = [];
    private bool isClosed;

    // Pages ask for each of their renderings.
    private volatile IReadOnlyList<(string Name, string? Variant)>? known;

    /// <summary>Raised when the progress changes, and when a model was added or removed.</summary>
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
        foreach (var (name, variant) in store.FetchedModels.All())
        {
            try
            {
                if (Cached(Parse(name), options).Snapshot?.Path is { } folder)
                    models.Add(offer(new FetchedModel(name, folder, variant)));
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
    /// <param name="variant">The variant of the weights, such as <c>fp16</c>; null or empty for the default.</param>
    /// <exception cref="InvalidInputException">It is not a name of the hub, or the model is on offer with other weights.</exception>
    /// <exception cref="QueueFullException">Another model is being fetched.</exception>
    /// <exception cref="StudioClosedException">The studio is closing.</exception>
    public ModelFetch Fetch(string model, string? variant = null)
    {
        RecipeCheck.RequireName(nameof(RootRecipe.Model), model);
        var (name, weights) = (model.Trim(), ReadVariant(variant));
        if (options.OfferFetched is not { } offer)
            throw new InvalidInputException(nameof(RootRecipe.Model), "This studio cannot fetch models.", "Start it with the model.");
        var request = engine.Catalog.Find(name) is null ? InvalidInputException.Naming(nameof(RootRecipe.Model), () => Parse(name)) with { Variant = weights } : null;
        if (request is null && Fetched(name) is { Variant: var here } && here != weights)
            throw new InvalidInputException(nameof(FetchedModel.Variant), $"{name} is already offered with {(here is null ? "its default weights" : $"the weights of the variant {here}")}.", "Remove it first.");
        if (request is null && weights is not null && Fetched(name) is null)
            throw new InvalidInputException(nameof(FetchedModel.Variant), $"{name} is already offered: the studio was started with it.", "Leave the variant out, or start the studio with these weights.");
        ModelFetch fetch;
        lock (changing)
        {
            if (isClosed)
                throw new StudioClosedException();
            if (request is not null && Running is { } running)
                return (running.Name, running.Variant) == (name, weights) ? running : throw new QueueFullException($"{running.Name} is being fetched. Wait until it is done, or cancel it.");
            fetch = new ModelFetch(name, weights, clock, () => Changed?.Invoke());
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

    /// <summary>A model that was fetched and can be removed; null for others. One that the studio was started with cannot.</summary>
    public (string Name, string? Variant)? Fetched(string model) =>
        IsAble && options.Models.All(given => given.Name != model) && (known ??= store.FetchedModels.All()).Where(fetched => fetched.Name == model).ToList() is [var found] ? found : null;

    /// <summary>The bytes that removing a fetched model frees; null if another model shares its files.</summary>
    public long? BytesOf(string model)
    {
        try
        {
            return Cached(Parse(model), options) is not { Snapshot: { } snapshot, Repository: var repository } ? 0
                : IsShared(model, repository, snapshot) ? null : repository.BytesOnlyOf(snapshot);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removing says why.
            return 0;
        }
    }

    /// <summary>No longer offers a fetched model, and deletes its files from the cache unless another model shares them. Its pictures stay.</summary>
    /// <returns>The freed bytes; null if no such model was fetched.</returns>
    /// <exception cref="InvalidInputException">A job needs the model, it is being fetched, or its files cannot be deleted.</exception>
    public long? Remove(string model)
    {
        try
        {
            // Nothing is fetched meanwhile.
            lock (changing)
                return Withdraw(model);
        }
        finally
        {
            // Outside the lock, because a page that renders asks for the running download.
            Changed?.Invoke();
        }
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

    private long? Withdraw(string model)
    {
        if (Fetched(model) is null)
            return null;
        var request = Parse(model);
        if (fetches.Find(fetch => !fetch.Progress.IsOver) is { } running && Parse(running.Name).Repository == request.Repository)
            throw new InvalidInputException(nameof(RootRecipe.Model), $"{running.Name} is being fetched.", "Wait until it is done, or cancel it.");
        engine.RemoveModel(model);
        store.FetchedModels.Remove(model);
        known = null;
        try
        {
            return Cached(request, options) is { Snapshot: { } snapshot } cached && !IsShared(model, cached.Repository, snapshot) ? cached.Repository.Remove(snapshot) : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(nameof(RootRecipe.Model), $"{model} is no longer offered, but its files cannot be deleted: {e.Message}", "Delete them with the hub's tools.", e);
        }
    }

    private static PullRequest Parse(string name)
    {
        var parts = name.Split(ModelLocation.RevisionMark, 2);
        return new PullRequest(HubRepository.Parse(parts[0])) { Revision = HubRevision.Parse(parts.ElementAtOrDefault(1) ?? HubRevision.Main) };
    }

    private static string? ReadVariant(string? variant)
    {
        if (string.IsNullOrWhiteSpace(variant))
            return null;
        var name = variant.Trim();
        return name.Length <= LongestVariant && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_') ? name
            : throw new InvalidInputException(nameof(FetchedModel.Variant), "It is not the name of a variant.", "Use a name such as fp16, or leave it out.");
    }

    private static (CachedRepository Repository, CachedSnapshot? Snapshot) Cached(PullRequest request, StudioOptions options)
    {
        var repository = new HubCache(options.Hub.CacheFolder).Repository(request.Repository);
        return (repository, repository.Find(request.Revision));
    }

    // A model can be on offer under the names of several revisions, or by its path.
    private bool IsShared(string model, CachedRepository repository, CachedSnapshot snapshot) => engine.Models.Any(other =>
        other != model && engine.Catalog.Find(other)?.Files.Any(path => repository.MayDelete(snapshot, path)) == true);

    private async Task Run(ModelFetch fetch, PullRequest request, Func<FetchedModel, OfferedModel> offer)
    {
        try
        {
            var pulled = await new ModelPull(options.Hub).RunAsync(request, fetch, fetch.Stopping);
            RequireModel(pulled.Path, request.Variant);
            var model = offer(new FetchedModel(fetch.Name, pulled.Path, request.Variant));
            store.AddFetchedModel(fetch.Name, request.Variant);
            known = null;
            engine.Catalog.Add(model);
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
    private static void RequireModel(string folder, string? variant)
    {
        using var files = ModelFiles.Open(folder, new() { Variant = variant });
        foreach (var tokenizer in files.LoadTokenizers())
            files.RequireFit(tokenizer);
    }
}
