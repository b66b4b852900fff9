using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>
/// Sentences that say nothing of a picture but that a word is in it (Gal et al. 2022, arXiv 2208.01618, §3): all that the pictures have in common is
/// left to the word.
/// </summary>
internal static class PromptTemplates
{
    /// <summary>Stands where the word does.</summary>
    public const string Place = "{}";

    /// <summary>For a thing.</summary>
    public static IReadOnlyList<string> Object { get; } =
    [
        "a {}",
        "a picture of a {}",
        "a picture of the {}",
        "a picture of my {}",
        "a picture of one {}",
        "a photo of a {}",
        "a photo of the {}",
        "a photo of my {}",
        "a good photo of a {}",
        "a close photo of a {}",
        "a bright photo of the {}",
        "a dark photo of the {}",
        "a cropped photo of a {}",
        "an image of a {}",
        "an image of the {}",
        "a drawing of a {}",
        "a painting of a {}",
        "a rendering of a {}",
    ];

    /// <summary>For a way of drawing.</summary>
    public static IReadOnlyList<string> Style { get; } =
    [
        "a picture in the style of {}",
        "an image in the style of {}",
        "a painting in the style of {}",
        "a drawing in the style of {}",
        "a work in the style of {}",
        "a scene in the style of {}",
        "a detail in the style of {}",
        "a small picture in the style of {}",
        "a large picture in the style of {}",
        "a bright painting in the style of {}",
        "a dark painting in the style of {}",
        "a picture by {}",
    ];

    /// <summary>A sentence with the word in its place.</summary>
    public static string Fill(string template, string word) => template.Replace(Place, word, StringComparison.Ordinal);

    /// <summary>Reads templates from a file, one a line; empty lines do not count.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or a line has no place for the word.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        var lines = Lines(path);
        try
        {
            Validate(lines);
            return lines;
        }
        catch (InvalidInputException e)
        {
            throw new InvalidInputException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>The lines of a file that are not empty.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read.</exception>
    internal static IReadOnlyList<string> Lines(string path)
    {
        try
        {
            return [.. File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Refuses templates without a place for the word.</summary>
    /// <exception cref="InvalidInputException">There is one, or there are none at all.</exception>
    internal static void Validate(IReadOnlyList<string> templates)
    {
        InvalidInputException.Require(templates.Count > 0, $"There are no templates; give at least one sentence with {Place} where the word stands.");
        foreach (var template in templates)
            InvalidInputException.Require(template.Contains(Place, StringComparison.Ordinal), $"\"{template}\" has no place for the word; write {Place} there.");
    }
}
