using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>
/// One download of a model. The contents come first. The snapshot is linked when all of them are present, and the revision is set last, so
/// that a partial model is never visible.
/// </summary>
internal sealed class PullRun(
    PullRequest request, HubClient client, CachedRepository cache, PullMeter meter, Func<string, long> freeSpace, CancellationToken cancellationToken)
{
    private const long MaxConfig = 64 << 20;
    private readonly Dictionary<string, HubFile> files = new(StringComparer.Ordinal);
    private HubListing listing = new("", []);
    private long fetched;

    public async Task<PulledModel> RunAsync()
    {
        listing = await client.ListAsync(cancellationToken).ConfigureAwait(false);
        foreach (var path in await ChooseAsync().ConfigureAwait(false))
            await LookUpAsync(path).ConfigureAwait(false);
        // Files may have the same content: for example, both tokenizers of an SDXL model.
        var contents = files.Values.DistinctBy(file => file.Hash).ToList();
        RequireSpace(contents);
        var total = contents.Sum(file => file.Size);
        meter.Start(contents.Sum(Present), total);
        foreach (var file in contents)
            await FetchAsync(file).ConfigureAwait(false);
        foreach (var file in files.Values)
            cache.Link(listing.Commit, file.Path, file.Hash);
        if (request.Revision != listing.Commit)
            cache.Point(request.Revision, listing.Commit);
        return new PulledModel(cache.SnapshotOf(listing.Commit), listing.Commit, [.. files.Keys], total, fetched);
    }

    private async Task<IReadOnlyList<string>> ChooseAsync()
    {
        if (request.Files.Count > 0)
            return request.Files;
        if (PipelineFiles.OfTokenizer(listing) is { Count: > 0 } tokenizer)
            return tokenizer;
        if (PipelineFiles.ConfigOfPart(listing) is { } config
            && PipelineFiles.OfAutoencoder(request.Repository, listing, await ReadAsync(config).ConfigureAwait(false), request.Variant) is { Count: > 0 } autoencoder)
            return autoencoder;
        var pipeline = new PipelineFiles(request.Repository, listing);
        // Checked before downloading gigabytes that could not be used.
        var index = await ReadAsync(ModelIndex.FileName).ConfigureAwait(false);
        ModelIndex.RequireKnown(JsonConfig.Parse($"{ModelIndex.FileName} of {request.Repository}", index));
        var weights = pipeline.Weights(request.Variant);
        var shards = new List<string>();
        foreach (var path in weights.Where(path => path.EndsWith(".json", StringComparison.Ordinal)))
            shards.AddRange(pipeline.Shards(path, await ReadAsync(path).ConfigureAwait(false)));
        return [.. pipeline.Configs(), .. weights, .. shards];
    }

    private async Task<HubFile> LookUpAsync(string path)
    {
        if (!listing.Files.Contains(path))
            throw new InvalidInputException($"{request.Repository} has no file {path} at {request.Revision}. It has {listing.Files.Count} other files, listed on its page on the hub.");
        if (!files.TryGetValue(path, out var file))
            files.Add(path, file = await client.LookUpAsync(listing.Commit, path, cancellationToken).ConfigureAwait(false));
        return file;
    }

    /// <summary>Downloads and reads a file that determines which others are needed.</summary>
    private async Task<byte[]> ReadAsync(string path)
    {
        var file = await LookUpAsync(path).ConfigureAwait(false);
        if (file.Size > MaxConfig)
            throw new InvalidInputException($"{path} of {request.Repository} has {file.Size} bytes, which is too large for such a file. Do not trust the server.");
        await FetchAsync(file).ConfigureAwait(false);
        return await File.ReadAllBytesAsync(cache.Blob(file.Hash), cancellationToken).ConfigureAwait(false);
    }

    private async Task FetchAsync(HubFile file)
    {
        var before = meter.Done - Present(file);
        var blob = cache.Blob(file.Hash);
        using var held = await BlobLock.TakeAsync(cache.Lock(file.Hash), meter.PauseAsync, cancellationToken).ConfigureAwait(false);
        if (!File.Exists(blob))
        {
            var first = file.Size;
            var download = new BlobDownload(client, meter.PauseAsync, here =>
            {
                first = Math.Min(first, here);
                meter.Set(file.Path, before + here);
            });
            await download.FetchAsync(file, blob, cancellationToken).ConfigureAwait(false);
            fetched += file.Size - first;
        }

        meter.Set(file.Path, before + file.Size);
    }

    private void RequireSpace(IReadOnlyList<HubFile> contents)
    {
        // Summed as decimals: a server may announce sizes beyond any disk.
        var missing = contents.Sum(file => (decimal)file.Size - Present(file));
        var free = freeSpace(cache.Folder);
        if (missing > free)
        {
            throw new InvalidInputException(FormattableString.Invariant(
                $"{cache.Name} needs {missing / (1 << 20):F1} MB more, and {cache.Folder} has {free / (double)(1 << 20):F1} MB free. Free some space, or choose another directory with HF_HUB_CACHE."));
        }
    }

    /// <summary>Number of bytes of a file already present.</summary>
    private long Present(HubFile file)
    {
        var blob = new FileInfo(cache.Blob(file.Hash));
        var part = new FileInfo(BlobDownload.PartOf(blob.FullName));
        return blob.Exists ? file.Size : part.Exists ? Math.Min(part.Length, file.Size) : 0;
    }
}
