using Microsoft.AspNetCore.Http;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Studio.Api;

/// <summary>Reads uploaded pictures.</summary>
internal static class Uploads
{
    // No supported model needs more; larger pictures are scaled down before they are stored.
    private const int MaxSide = 2048;

    /// <summary>Reads a picture within the studio's limits. Keeps transparency, because it may be a mask.</summary>
    /// <exception cref="InvalidInputException">It is not a picture, is damaged, or has too many pixels.</exception>
    /// <exception cref="BadHttpRequestException">It has too many bytes.</exception>
    public static async Task<(byte[] Png, PixelSize Size)> Read(Stream body, StudioOptions options)
    {
        using var bytes = new MemoryStream();
        var chunk = new byte[1 << 16];
        for (int read; (read = await body.ReadAsync(chunk)) > 0;)
        {
            bytes.Write(chunk, 0, read);
            if (bytes.Length > options.MaxUploadBytes)
                throw new BadHttpRequestException("too large", StatusCodes.Status413PayloadTooLarge);
        }

        bytes.Position = 0;
        using var file = ImageFile.Open(bytes, "The file");
        if ((long)file.Size.Width * file.Size.Height > options.MaxUploadPixels)
            throw new InvalidInputException($"The picture has {file.Size} pixels; at most {options.MaxUploadPixels >> 20} Mi pixels are accepted. Make it smaller.");
        var png = file.ToPng(MaxSide, out var size);
        return (png, size);
    }
}
