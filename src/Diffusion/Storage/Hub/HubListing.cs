using System.Text.Json;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>The files of a repository at a commit.</summary>
/// <param name="Commit">The commit.</param>
/// <param name="Files">Their paths, all checked to be safe.</param>
internal sealed record HubListing(string Commit, IReadOnlyList<string> Files)
{
    private static readonly JsonSerializerOptions Reading = new(JsonSerializerDefaults.Web);

    /// <summary>Parses the hub's response.</summary>
    /// <exception cref="InvalidInputException">The response is invalid.</exception>
    public static HubListing Parse(byte[] json, Uri address)
    {
        var answer = Read(json);
        if (answer?.Sha is not { } commit || !HubRevision.IsCommit(commit) || answer.Siblings is not { } siblings || siblings.Exists(file => file?.RFilename is null))
            throw new InvalidInputException($"{address} did not return a valid response. Check HF_ENDPOINT.");
        var files = siblings.ConvertAll(file => file!.RFilename!);
        return files.TrueForAll(HubPath.IsSafe)
            ? new HubListing(commit, files)
            : throw new InvalidInputException($"{address} lists a file name that leads outside the cache. Nothing was downloaded. Do not use this repository.");
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
