using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Cli.Options;

/// <summary>Finds models by path or by name.</summary>
internal static class ModelFolder
{
    /// <summary>What stands between the name of a model of the hub and its revision.</summary>
    public const char RevisionMark = '@';

    private const string Index = "model_index.json";

    /// <summary>
    /// A model: a file or directory as it is given; <c>OWNER/NAME</c> or <c>OWNER/NAME@REVISION</c> in the Hugging Face cache; else a name as for
    /// <see cref="Find"/>.
    /// </summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static string FindModel(string name, string option = "--model") =>
        File.Exists(name) ? Path.GetFullPath(name)
        : !Directory.Exists(name) && name.Split(RevisionMark, 2) is var parts && HubRepository.TryParse(parts[0], out var repository)
            ? Pulled(repository, parts.ElementAtOrDefault(1), option)
        : Find(name, option);

    /// <summary>The models in <c>models/</c>, each name once.</summary>
    public static IReadOnlyList<string> Embedded() =>
    [
        .. Folders()
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.GetDirectories(folder).Order(StringComparer.Ordinal))
            .Where(folder => File.Exists(Path.Combine(folder, Index)))
            .DistinctBy(Path.GetFileName),
    ];

    /// <summary>
    /// A directory as it is given; else <c>models/NAME</c> in the current directory, the program's, or one above either of them.
    /// </summary>
    /// <param name="name">The path or name.</param>
    /// <param name="option">The option it was given by.</param>
    /// <param name="file">A file that such a folder has.</param>
    /// <param name="source">How to get one.</param>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static string Find(string name, string option = "--model", string file = Index, string source = "get one with p2p models pull")
    {
        if (Directory.Exists(name))
            return Path.GetFullPath(name);
        if (name.Length > 0 && name.IndexOfAny(['/', '\\']) < 0)
        {
            var found = Folders()
                .Select(folder => Path.Combine(folder, name))
                .FirstOrDefault(folder => File.Exists(Path.Combine(folder, file)));
            if (found is not null)
                return found;
        }

        throw new InvalidInputException(
            option, $"There is no directory or file \"{name}\", and no models/{name} here or in a folder above.", $"Give the path of one, or {source}.");
    }

    private static string Pulled(HubRepository repository, string? revision, string option)
    {
        var cached = new HubCache(new HubSettings().CacheFolder).Repository(repository);
        if (cached.Find(revision) is { } snapshot)
            return snapshot.Path;
        throw new InvalidInputException(
            option,
            $"There is no directory {repository}, and the Hugging Face cache has no {repository}{(revision is null ? "" : $" at {revision}")} ({cached.Folder}).",
            $"Download it with `p2p models pull {repository}{(revision is null ? "" : $" --revision {revision}")}`.");
    }

    private static IEnumerable<string> Folders() =>
        Above(Directory.GetCurrentDirectory()).Concat(Above(AppContext.BaseDirectory)).Select(folder => Path.Combine(folder, "models"));

    private static IEnumerable<string> Above(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            yield return folder.FullName;
    }
}
