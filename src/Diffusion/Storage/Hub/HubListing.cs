using System.Text.Json;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>The files of a repository at a commit.</summary>
/// <param name="Commit">The commit.</param>
/// <param name="Files">Their paths, all of them safe.</param>
internal sealed record HubListing(string Commit, IReadOnlyList<string> Files)
{
    private static readonly JsonSerializerOptions Reading = new(JsonSerializerDefaults.Web);

    /// <summary>Reads the hub's answer.</summary>
    /// <exception cref="InvalidInputException">It is not what the hub would answer.</exception>
    public static HubListing Parse(byte[] json, Uri address)
    {
        var answer = Read(json);
        if (answer?.Sha is not { } commit || !HubRevision.IsCommit(commit) || answer.Siblings is not { } siblings || siblings.Exists(file => file?.RFilename is null))
            throw new InvalidInputException($"{address} does not answer as the hub does; check HF_ENDPOINT.");
        var files = siblings.ConvertAll(file => file!.RFilename!);
        return files.TrueForAll(HubPath.IsSafe)
            ? new HubListing(commit, files)
            : throw new InvalidInputException($"{address} lists a file name that leads out of the cache; nothing was fetched. Do not use this repository.");
    }

    private static Answer? Read(byte[] json)
    {
        try
        {
            return JsonSerializer.Deserialize<Answer>(json, Reading);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed record Answer(string? Sha, List<Sibling?>? Siblings);

    private sealed record Sibling(string? RFilename);
}
