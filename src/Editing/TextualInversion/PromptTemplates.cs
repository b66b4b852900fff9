using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>
/// Sentences that describe an image only by the word in it (Gal et al. 2022, arXiv 2208.01618, §3), so that the word has to represent
/// everything the images have in common.
/// </summary>
internal static class PromptTemplates
{
    /// <summary>Placeholder for the word.</summary>
    public const string Place = "{}";

    /// <summary>Templates for an object.</summary>
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

    /// <summary>Templates for a style.</summary>
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

    /// <summary>Replaces the placeholder with the word.</summary>
    public static string Fill(string template, string word) => template.Replace(Place, word, StringComparison.Ordinal);

    /// <summary>Reads templates from a file, one per line; empty lines are ignored.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or a line has no placeholder.</exception>
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

    /// <summary>The non-empty lines of a file.</summary>
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

    /// <summary>Checks that there are templates and that each has a placeholder.</summary>
    /// <exception cref="InvalidInputException">A template has no placeholder, or the list is empty.</exception>
    internal static void Validate(IReadOnlyList<string> templates)
    {
        InvalidInputException.Require(templates.Count > 0, $"There are no templates. Give at least one sentence with {Place} in place of the word.");
        foreach (var template in templates)
            InvalidInputException.Require(template.Contains(Place, StringComparison.Ordinal), $"\"{template}\" has no placeholder. Write {Place} in place of the word.");
    }
}
