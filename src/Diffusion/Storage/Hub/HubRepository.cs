using System.Diagnostics.CodeAnalysis;

namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>The name of a model on the hub.</summary>
internal sealed record HubRepository
{
    private const string FolderPrefix = "models";
    private const string FolderSeparator = "--";
    private const int MaxPartLength = 96;

    private HubRepository(string owner, string name) => (Owner, Name) = (owner, name);

    /// <summary>The user or organization that published it.</summary>
    public string Owner { get; }

    /// <summary>Its name within the owner's models.</summary>
    public string Name { get; }

    /// <summary>Name of its directory in the cache.</summary>
    internal string FolderName => string.Join(FolderSeparator, FolderPrefix, Owner, Name);

    /// <summary>Parses <c>OWNER/NAME</c>.</summary>
    /// <exception cref="InvalidInputException">The text has another form.</exception>
    public static HubRepository Parse(string text) => TryParse(text, out var repository)
        ? repository
        : throw new InvalidInputException($"\"{text}\" is not a model name of the hub. Use OWNER/NAME, for example stable-diffusion-v1-5/stable-diffusion-v1-5.");

    /// <summary>Tries to parse <c>OWNER/NAME</c>.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out HubRepository? repository)
    {
        repository = text?.Split('/') is [var owner, var name] && IsPart(owner) && IsPart(name) ? new HubRepository(owner, name) : null;
        return repository is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Owner}/{Name}";

    /// <summary>The repository of a directory name in the cache; null if it is not that of a model.</summary>
    internal static HubRepository? OfFolder(string folder) =>
        folder.Split(FolderSeparator) is [FolderPrefix, var owner, var name] && TryParse($"{owner}/{name}", out var repository) ? repository : null;

    // The hub's own rules; other characters would make file names ambiguous or dangerous.
    private static bool IsPart(string text) =>
        text.Length is > 0 and <= MaxPartLength
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
        && text[0] is not ('-' or '.') && text[^1] is not ('-' or '.')
        && !text.Contains(FolderSeparator, StringComparison.Ordinal) && !text.Contains("..", StringComparison.Ordinal);
}
