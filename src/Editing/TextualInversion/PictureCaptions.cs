using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>Captions of pictures, from a text file with a line for each: the picture's file name, a colon and the caption.</summary>
/// <param name="path">The file.</param>
/// <param name="captions">The captions by file name.</param>
internal sealed class PictureCaptions(string path, IReadOnlyDictionary<string, string> captions)
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidInputException">It cannot be read, or a line is no caption.</exception>
    public static PictureCaptions Read(string path)
    {
        var captions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in PromptTemplates.Lines(path))
        {
            // A caption may have colons, a file name seldom has.
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            InvalidInputException.Require(colon > 0, $"{path}: \"{line}\" is no caption; write the picture's name, a colon and what it shows, as in cat.png: a {PromptTemplates.Place} in a field.");
            var (name, caption) = (line[..colon].Trim(), line[(colon + 1)..].Trim());
            InvalidInputException.Require(caption.Contains(PromptTemplates.Place, StringComparison.Ordinal), $"{path}: the caption of {name} has no place for the word; write {PromptTemplates.Place} there.");
            InvalidInputException.Require(captions.TryAdd(name, caption), $"{path} has two captions for {name}; keep one.");
        }

        return new PictureCaptions(path, captions);
    }

    /// <summary>The captions of pictures, in their order; null for those without one.</summary>
    /// <param name="pictures">The pictures' paths.</param>
    /// <exception cref="InvalidInputException">There is a caption of a picture that is not among them.</exception>
    public IReadOnlyList<string?> Of(IReadOnlyList<string> pictures)
    {
        var names = pictures.Select(picture => Path.GetFileName(picture)).ToList();
        var stray = captions.Keys.FirstOrDefault(name => !names.Contains(name));
        InvalidInputException.Require(stray is null, $"{path} has a caption for {stray}, which is none of the pictures; mend the name or leave the line out.");
        return names.ConvertAll(name => captions.GetValueOrDefault(name));
    }
}
