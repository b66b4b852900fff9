using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Selects the files that a repository's pipeline needs: configs, tokenizers, and one version of each part's weights.</summary>
internal sealed class PipelineFiles
{
    private static readonly string[] Parts = [.. ModelParts.TextEncoders, ModelParts.UNet, ModelParts.Vae];
    private static readonly string[] Texts = [ModelParts.Scheduler, .. TokenizerFolder.Names];
    private const string PartConfig = "config.json";
    private readonly HubListing listing;
    private readonly HubRepository repository;

    /// <summary>Inspects a repository's files.</summary>
    /// <exception cref="InvalidInputException">The repository is not a pipeline.</exception>
    public PipelineFiles(HubRepository repository, HubListing listing)
    {
        (this.repository, this.listing) = (repository, listing);
        if (!listing.Files.Contains(ModelIndex.FileName))
            throw new InvalidInputException(nameof(PullRequest.Files), $"{repository} is not a model directory: it has no {ModelIndex.FileName}.", Offer());
    }

    /// <summary>The tokenizer files of a repository that contains only a text encoder; otherwise empty.</summary>
    public static IReadOnlyList<string> OfTokenizer(HubListing listing) =>
        listing.Files.Contains("vocab.json") && listing.Files.Contains("merges.txt") && !listing.Files.Contains(ModelIndex.FileName)
            ? [.. listing.Files.Where(path => path is "vocab.json" or "merges.txt" or "tokenizer_config.json" or "special_tokens_map.json")]
            : [];

    /// <summary>The config of a repository that contains a single part, such as an autoencoder; null for others.</summary>
    public static string? ConfigOfPart(HubListing listing) =>
        listing.Files.Contains(PartConfig) && !listing.Files.Contains(ModelIndex.FileName) ? PartConfig : null;

    /// <summary>The files of an autoencoder, given the config of its repository; empty if it contains another part.</summary>
    /// <param name="repository">The repository, for errors.</param>
    /// <param name="listing">Its files.</param>
    /// <param name="config">The config.</param>
    /// <param name="variant">See <see cref="Weights"/>.</param>
    public static IReadOnlyList<string> OfAutoencoder(HubRepository repository, HubListing listing, byte[] config, string? variant) =>
        JsonConfig.Parse($"{PartConfig} of {repository}", config) is var json && json.Has("_class_name") && json.Text("_class_name") == "AutoencoderKL"
            ? [PartConfig, WeightFiles.Choose(repository.ToString(), [.. listing.Files.Where(path => !path.Contains('/'))], variant)]
            : [];

    /// <summary>The configs and the tokenizers.</summary>
    public IReadOnlyList<string> Configs() =>
    [
        ModelIndex.FileName,
        .. listing.Files.Where(path => path.Split('/') is [var folder, var name]
            && ((Texts.Contains(folder) && Path.GetExtension(name) is ".json" or ".txt") || (Parts.Contains(folder) && name == "config.json"))),
    ];

    /// <summary>The weights of each part: a file, or the index of several.</summary>
    /// <param name="variant">The variant; null for the default weights.</param>
    /// <exception cref="InvalidInputException">A part has no such weights.</exception>
    public IReadOnlyList<string> Weights(string? variant) =>
    [
        .. Parts
            .Select(part => (Part: part, Names: listing.Files.Where(path => path.StartsWith(part + "/", StringComparison.Ordinal)).Select(path => path[(part.Length + 1)..]).ToList()))
            .Where(found => found.Names.Count > 0)
            .Select(found => $"{found.Part}/{WeightFiles.Choose($"{repository}/{found.Part}", found.Names, variant)}"),
    ];

    /// <summary>The shards listed in an index.</summary>
    /// <exception cref="InvalidInputException">The index lists no shards, or some that are missing.</exception>
    public IReadOnlyList<string> Shards(string index, byte[] json)
    {
        var folder = index[..(index.LastIndexOf('/') + 1)];
        var shards = JsonConfig.Parse($"{index} of {repository}", json).Texts("weight_map").Select(entry => folder + entry.Value).Distinct(StringComparer.Ordinal).ToList();
        return shards.TrueForAll(listing.Files.Contains)
            ? shards
            : throw new InvalidInputException($"{index} of {repository} names weights that the repository does not have. Use another revision or variant.");
    }

    private string Offer()
    {
        var files = listing.Files.Where(path => Path.GetExtension(path) is ".safetensors" or ".ckpt").Take(8).ToList();
        return files.Count > 0
            ? $"Download one of its files instead: {string.Join(", ", files)}."
            : $"It has no .safetensors or .ckpt files either. Check the name {repository}.";
    }
}
