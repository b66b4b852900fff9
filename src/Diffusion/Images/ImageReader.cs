namespace PromptToPrompt.Diffusion.Images;

/// <summary>Decodes images at full size; see <see cref="ImageFile"/> for the formats.</summary>
internal static class ImageReader
{
    /// <summary>Reads an image from a file.</summary>
    /// <exception cref="InvalidInputException">The file is missing, not an image, truncated, damaged, or too large.</exception>
    public static Image Read(string path)
    {
        using var file = ImageFile.Open(path);
        return file.Read();
    }

    /// <summary>Reads an image from a stream.</summary>
    /// <param name="stream">The encoded image, from the current position to the end.</param>
    /// <param name="name">The image's name in errors.</param>
    /// <exception cref="InvalidInputException">The stream is not an image, truncated, damaged, or too large.</exception>
    public static Image Read(Stream stream, string name)
    {
        using var file = ImageFile.Open(stream, name);
        return file.Read();
    }
}
