using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Shards;

/// <summary><c>run.json</c>: all that decides the data of a run. A folder holds the data of one run.</summary>
internal static class RunManifest
{
    /// <summary>The field that says whether the autoencoder works in tiles.</summary>
    public const string VaeTiling = "vae_tiling";

    /// <summary>The field with the tokenizer of the filters' CLIP model.</summary>
    public const string ClipTokenizer = "clip_tokenizer";

    /// <summary>The field with a random number of the run, of places that number runs. It decides nothing of the data.</summary>
    public const string Id = "id";

    /// <summary>Name of the file.</summary>
    public const string Name = "run.json";

    // Manifests of earlier versions do not have them, so it is not known what those runs were made with.
    private static readonly string[] Later = [VaeTiling, ClipTokenizer];

    /// <summary>Writes the manifest into a folder, or compares it with that of an earlier process.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="run">All that decides the data.</param>
    /// <param name="place">Where the data set is; null for the folder.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="InvalidInputException">The folder has the data of another run.</exception>
    public static void Claim(string folder, JsonObject run, DataSetPlace? place = null, CancellationToken cancellationToken = default)
    {
        var path = Path.Combine(folder, Name);
        place ??= new FolderPlace(folder);
        if (Read(path) is not { } earlier)
        {
            RequireNoShards(folder, place);
            // Another process may have been first.
            if (place.Create(Name, BatchJson.Line<JsonNode>(place.NumbersRuns ? Numbered(run) : run) + "\n", cancellationToken))
                return;
            earlier = Read(path) ?? [];
        }

        RequireEqual(place, run, earlier, run.Select(field => field.Key).Union(earlier.Select(field => field.Key)).Where(field => field != Id));
    }

    /// <summary>Compares some fields with the manifest of an earlier process, if there is one.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="run">The fields that are known.</param>
    /// <param name="place">Where the data set is; null for the folder.</param>
    /// <exception cref="InvalidInputException">The folder has the data of another run.</exception>
    public static void RequireFits(string folder, JsonObject run, DataSetPlace? place = null)
    {
        place ??= new FolderPlace(folder);
        if (Read(Path.Combine(folder, Name)) is { } earlier)
            RequireEqual(place, run, earlier, run.Select(field => field.Key));
        else
            RequireNoShards(folder, place);
    }

    private static void RequireNoShards(string folder, DataSetPlace place) => InvalidInputException.Require(
        !ShardPaths.AnyCommitted(folder), $"{place.Name} has shards but no {Name}, so what they were made with is not known. Use another folder, or delete them.");

    private static void RequireEqual(DataSetPlace place, JsonObject run, JsonObject earlier, IEnumerable<string> fields)
    {
        var known = fields.Where(field => earlier.ContainsKey(field) || !Later.Contains(field));
        var differing = known.Where(field => !JsonNode.DeepEquals(Comparable(field, run[field]), Comparable(field, earlier[field]))).ToList();
        InvalidInputException.Require(
            differing.Count == 0,
            $"{place.Name} has the data of another run: {string.Join(", ", differing)} {(differing.Count == 1 ? "differs" : "differ")} from {place.PathOf(Name)}. Use another folder, or the settings that it was made with.");
    }

    // A folder may be given by a relative path or a full one.
    private static JsonNode? Comparable(string field, JsonNode? value) =>
        field == ClipTokenizer && (string?)value is { } path && Directory.Exists(path) ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)) : JsonNode.Parse(value?.ToJsonString() ?? "null");

    private static JsonObject Numbered(JsonObject run)
    {
        var numbered = (JsonObject)run.DeepClone();
        numbered[Id] = Guid.NewGuid().ToString("N");
        return numbered;
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
