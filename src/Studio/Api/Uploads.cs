using Microsoft.AspNetCore.Http;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Api;

/// <summary>Reads uploaded pictures.</summary>
internal static class Uploads
{
    /// <summary>Reads a picture within the studio's limits, at its full size. Keeps transparency, because it may be a mask.</summary>
    /// <param name="body">The encoded picture.</param>
    /// <param name="options">The limits.</param>
    /// <param name="gate">Decodes it.</param>
    /// <param name="readSettings">Reads the settings in the file.</param>
    /// <param name="cancellationToken">Stops the upload.</param>
    /// <exception cref="InvalidInputException">It is not a picture, is damaged, or has too many pixels.</exception>
    /// <exception cref="BadHttpRequestException">It has too many bytes.</exception>
    public static async Task<(byte[] Png, PixelSize Size, FoundSettings? Settings)> Read(
        Stream body, StudioOptions options, DecodingGate gate, Func<Stream, FoundSettings?> readSettings, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        var chunk = new byte[1 << 16];
        for (int read; (read = await body.ReadAsync(chunk, cancellationToken)) > 0;)
        {
            bytes.Write(chunk, 0, read);
            if (bytes.Length > options.MaxUploadBytes)
                throw new BadHttpRequestException("too large", StatusCodes.Status413PayloadTooLarge);
        }

        bytes.Position = 0;
        var length = (int)bytes.Length;
        return await gate.Run(
            () =>
            {
                var (png, size) = Decode(bytes, options);
                // The decoder closes its stream.
                using var again = new MemoryStream(bytes.GetBuffer(), 0, length);
                return (png, size, readSettings(again));
            },
            cancellationToken);
    }

    private static (byte[] Png, PixelSize Size) Decode(MemoryStream bytes, StudioOptions options)
    {
        using var file = ImageFile.Open(bytes, "The file");
        var pixels = (long)file.Size.Width * file.Size.Height;
        if (pixels > options.MaxUploadPixels)
            throw new InvalidInputException($"The picture has {file.Size} pixels; at most {options.MaxUploadPixels >> 20} Mi pixels are accepted. Make it smaller.");
        return (file.ToPng(ImageFile.MaxSide, out var size), size);
    }
}
