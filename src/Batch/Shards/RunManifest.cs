using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Batch.Shards;

/// <summary><c>run.json</c>: all that decides the data of a run. A folder holds the data of one run.</summary>
internal static class RunManifest
{
    /// <summary>The field that says whether the autoencoder works in tiles.</summary>
    public const string VaeTiling = "vae_tiling";

    /// <summary>The field with the tokenizer of the filters' CLIP model.</summary>
    public const string ClipTokenizer = "clip_tokenizer";

    private const string Name = "run.json";

    // Manifests of earlier versions do not have them, so it is not known what those runs were made with.
    private static readonly string[] Later = [VaeTiling, ClipTokenizer];

    /// <summary>Writes the manifest into a folder, or compares it with that of an earlier process.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="run">All that decides the data.</param>
    /// <exception cref="InvalidInputException">The folder has the data of another run.</exception>
    public static void Claim(string folder, JsonObject run)
    {
        var path = Path.Combine(folder, Name);
        if (Read(path) is not { } earlier)
        {
            RequireNoShards(folder);
            AtomicFile.WriteText(path, BatchJson.Line<JsonNode>(run) + "\n");
            return;
        }

        RequireEqual(folder, run, earlier, run.Select(field => field.Key).Union(earlier.Select(field => field.Key)));
    }

    /// <summary>Compares some fields with the manifest of an earlier process, if there is one.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="run">The fields that are known.</param>
    /// <exception cref="InvalidInputException">The folder has the data of another run.</exception>
    public static void RequireFits(string folder, JsonObject run)
    {
        if (Read(Path.Combine(folder, Name)) is { } earlier)
            RequireEqual(folder, run, earlier, run.Select(field => field.Key));
        else
            RequireNoShards(folder);
    }

    private static void RequireNoShards(string folder) => InvalidInputException.Require(
        !ShardPaths.AnyCommitted(folder), $"{folder} has shards but no {Name}, so what they were made with is not known. Use another folder, or delete them.");

    private static void RequireEqual(string folder, JsonObject run, JsonObject earlier, IEnumerable<string> fields)
    {
        var known = fields.Where(field => earlier.ContainsKey(field) || !Later.Contains(field));
        var differing = known.Where(field => !JsonNode.DeepEquals(JsonNode.Parse(run[field]?.ToJsonString() ?? "null"), earlier[field])).ToList();
        InvalidInputException.Require(
            differing.Count == 0,
            $"{folder} has the data of another run: {string.Join(", ", differing)} {(differing.Count == 1 ? "differs" : "differ")} from {Path.Combine(folder, Name)}. Use another folder, or the settings that it was made with.");
    }

    private static JsonObject? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? [] : null;
        }
        catch (JsonException e)
        {
            throw new InvalidInputException($"{path} is damaged. Use another folder.", e);
        }
    }
}
