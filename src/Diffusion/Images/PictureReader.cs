namespace PromptToPrompt.Diffusion.Images;

/// <summary>Reads encoded pictures at their own size; <see cref="PictureFile"/> says of what kinds and how.</summary>
internal static class PictureReader
{
    /// <summary>Reads a picture from a file.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or it is no picture, incomplete, damaged, or too large.</exception>
    public static Picture Read(string path)
    {
        using var file = PictureFile.Open(path);
        return file.Read();
    }

    /// <summary>Reads a picture from a stream.</summary>
    /// <param name="stream">The encoded picture, from here to its end.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidInputException">It is no picture, incomplete, damaged, or too large.</exception>
    public static Picture Read(Stream stream, string name)
    {
        using var file = PictureFile.Open(stream, name);
        return file.Read();
    }
}
