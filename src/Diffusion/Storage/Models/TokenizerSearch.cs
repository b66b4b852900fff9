using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>Finds CLIP's tokenizer for a checkpoint without one.</summary>
internal static class TokenizerSearch
{
    // Repositories with CLIP's vocabulary, which all Stable Diffusion 1 and 2 models share.
    private static readonly string[] Repositories =
    [
        "openai/clip-vit-large-patch14",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "runwayml/stable-diffusion-v1-5",
        "CompVis/stable-diffusion-v1-4",
        "stabilityai/stable-diffusion-2-1-base",
        "stabilityai/stable-diffusion-2-1",
        "stabilityai/stable-diffusion-2-base",
        "stabilityai/stable-diffusion-2",
        "stabilityai/stable-diffusion-xl-base-1.0",
    ];

    /// <summary>The tokenizer chosen by the user; else one in <c>tokenizer/</c> next to the file; else one in the hub's cache.</summary>
    /// <exception cref="InvalidInputException">There is none; the message explains how to get one.</exception>
    public static TokenizerFolder Find(string checkpoint, ModelLoadOptions options)
    {
        if (options.Tokenizer is { } given)
            return TokenizerFolder.Given(given);
        var cache = new HubCache(new HubSettings(options.Environment).CacheFolder);
        var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(checkpoint))!, TokenizerFolder.Name);
        var found = Repositories
            .SelectMany(repository => cache.Repository(HubRepository.Parse(repository)).Snapshots())
            .SelectMany(snapshot => new[] { snapshot.Path, Path.Combine(snapshot.Path, TokenizerFolder.Name) })
            .Prepend(beside)
            .FirstOrDefault(TokenizerFolder.IsOne);
        return found is not null ? new TokenizerFolder(found) : throw new InvalidInputException(
            nameof(options.Tokenizer),
            $"{checkpoint} contains no tokenizer, and the Hugging Face cache in {cache.Folder} has none for CLIP.",
            $"Use the tokenizer directory of a model directory, or download {Repositories[0]} into the cache.");
    }
}
