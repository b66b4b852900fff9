using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>Finds models on this machine: by path, by a repository's name in the Hugging Face cache, or by the name of a folder in <c>models/</c>.</summary>
internal static class ModelLocation
{
    /// <summary>Separates a repository from its revision: <c>OWNER/NAME@REVISION</c>.</summary>
    public const char RevisionMark = '@';

    /// <summary>The path of a model.</summary>
    /// <param name="name">
    /// A file or directory; <c>OWNER/NAME</c> or <c>OWNER/NAME@REVISION</c> of a repository in the Hugging Face cache; or the name of a folder in
    /// <c>models/</c> of the current directory, the program's, or one above either.
    /// </param>
    /// <param name="setting">The setting that names it, for errors.</param>
    /// <exception cref="InvalidInputException">There is no such model.</exception>
    public static string Find(string name, string setting = "Model")
    {
        if (File.Exists(name))
            return Path.GetFullPath(name);
        if (!Directory.Exists(name) && name.Split(RevisionMark, 2) is var parts && HubRepository.TryParse(parts[0], out var repository))
            return Cached(repository, parts.ElementAtOrDefault(1), setting);
        return FindFolder(name, ModelIndex.FileName)
            ?? throw new InvalidInputException(
                setting, $"There is no directory or file \"{name}\", and no models/{name} here or in a folder above.", $"{Suggestion.Question(name, Embedded().Select(folder => Path.GetFileName(folder)))}Give the path of a model, or OWNER/NAME of one in the Hugging Face cache.");
    }

    /// <summary>The models in <c>models/</c>, each name once.</summary>
    internal static IReadOnlyList<string> Embedded() =>
    [
        .. Folders()
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.GetDirectories(folder).Order(StringComparer.Ordinal))
            .Where(folder => File.Exists(Path.Combine(folder, ModelIndex.FileName)))
            .DistinctBy(Path.GetFileName),
    ];

    /// <summary>A directory, or the folder of that name in <c>models/</c>; null where there is none.</summary>
    /// <param name="name">Path or name.</param>
    /// <param name="file">A file that the folder in <c>models/</c> has.</param>
    internal static string? FindFolder(string name, string file)
    {
        if (Directory.Exists(name))
            return Path.GetFullPath(name);
        return name.Length == 0 || name.IndexOfAny(['/', '\\']) >= 0 ? null
            : Folders().Select(folder => Path.Combine(folder, name)).FirstOrDefault(folder => File.Exists(Path.Combine(folder, file)));
    }

    private static string Cached(HubRepository repository, string? revision, string setting)
    {
        var cache = new HubCache(new HubSettings().CacheFolder);
        var cached = cache.Repository(repository);
        return cached.Find(revision)?.Path ?? throw new InvalidInputException(
            setting,
            $"There is no directory {repository}, and the Hugging Face cache ({cached.Folder}) has no {repository}{(revision is null ? "" : $" at {revision}")}. {Suggestion.Question(repository.ToString(), cache.Repositories().Select(other => other.Name.ToString()))}".TrimEnd(),
            "Download it first.");
    }

    private static IEnumerable<string> Folders() =>
        Above(Directory.GetCurrentDirectory()).Concat(Above(AppContext.BaseDirectory)).Select(folder => Path.Combine(folder, "models"));

    private static IEnumerable<string> Above(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            yield return folder.FullName;
    }
}
