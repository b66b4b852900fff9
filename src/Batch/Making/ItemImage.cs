using System.Security.Cryptography;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Batch.Making;

/// <summary>The image that an item names.</summary>
/// <param name="Image">The image.</param>
/// <param name="Hash">SHA-256 of its file.</param>
internal sealed record ItemImage(Image Image, string Hash)
{
    /// <summary>Reads an image and the hash of the same bytes.</summary>
    /// <exception cref="InvalidInputException">The file is missing, not an image, or damaged.</exception>
    public static ItemImage Load(string path)
    {
        var bytes = Read(path, File.ReadAllBytes);
        using var file = new MemoryStream(bytes, writable: false);
        return new(ImageReader.Read(file, path), Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    /// <summary>The hash of a file.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read.</exception>
    public static string HashOf(string path) => Read(path, given =>
    {
        using var file = File.OpenRead(given);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    });

    private static T Read<T>(string path, Func<string, T> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
