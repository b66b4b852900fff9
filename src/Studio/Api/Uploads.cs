using Microsoft.AspNetCore.Http;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Studio.Hosting;
using SkiaSharp;

namespace PromptToPrompt.Studio.Api;

/// <summary>Pictures that somebody sends.</summary>
internal static class Uploads
{
    // No model here works on more; larger ones are made smaller before they are kept.
    private const int LongestSide = 2048;

    /// <summary>Reads a picture within the studio's bounds.</summary>
    /// <exception cref="InvalidInputException">It is no picture, damaged, or has too many pixels.</exception>
    /// <exception cref="BadHttpRequestException">It has too many bytes.</exception>
    public static async Task<Picture> Read(Stream body, StudioOptions options)
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
        using (var data = SKData.CreateCopy(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)))
        using (var codec = SKCodec.Create(data))
        {
            if (codec is not null && (long)codec.Info.Width * codec.Info.Height > options.MaxUploadPixels)
                throw new InvalidInputException($"The picture has {codec.Info.Width}x{codec.Info.Height} pixels; up to {options.MaxUploadPixels >> 20} Mi pixels are taken: make it smaller.");
        }

        var picture = PictureReader.Read(bytes, "The file");
        var scale = (double)LongestSide / Math.Max(picture.Width, picture.Height);
        return scale >= 1 ? picture : picture.Resize(Math.Max(1, (int)(picture.Width * scale)), Math.Max(1, (int)(picture.Height * scale)));
    }
}
