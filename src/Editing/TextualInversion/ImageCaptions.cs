using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>Image captions from a text file with one line per image: file name, colon, caption.</summary>
/// <param name="path">Path of the file.</param>
/// <param name="captions">The captions by file name.</param>
internal sealed class ImageCaptions(string path, IReadOnlyDictionary<string, string> captions)
{
    /// <summary>Reads a caption file.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or a line is not a caption.</exception>
    public static ImageCaptions Read(string path)
    {
        var captions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in PromptTemplates.Lines(path))
        {
            // Captions may contain colons; file names rarely do.
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            InvalidInputException.Require(colon > 0, $"{path}: \"{line}\" is not a caption. Write the image's file name, a colon and a description, as in cat.png: a {PromptTemplates.Place} in a field.");
            var (name, caption) = (line[..colon].Trim(), line[(colon + 1)..].Trim());
            InvalidInputException.Require(caption.Contains(PromptTemplates.Place, StringComparison.Ordinal), $"{path}: the caption of {name} has no placeholder. Write {PromptTemplates.Place} in place of the word.");
            InvalidInputException.Require(captions.TryAdd(name, caption), $"{path} has two captions for {name}; keep one.");
        }

        return new ImageCaptions(path, captions);
    }

    /// <summary>The captions of some images, in the same order; null for an image without one.</summary>
    /// <param name="images">The images' paths.</param>
    /// <exception cref="InvalidInputException">A caption belongs to none of these images.</exception>
    public IReadOnlyList<string?> Of(IReadOnlyList<string> images)
    {
        var names = images.Select(image => Path.GetFileName(image)).ToList();
        var stray = captions.Keys.FirstOrDefault(name => !names.Contains(name));
        InvalidInputException.Require(stray is null, $"{path} has a caption for {stray}, which is not one of the images. Correct the name or remove the line.");
        return names.ConvertAll(name => captions.GetValueOrDefault(name));
    }
}
