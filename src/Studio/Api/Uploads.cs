using Microsoft.AspNetCore.Http;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Studio.Api;

/// <summary>Reads uploaded pictures. They are decoded one at a time: a small file can hold so many pixels that a few of them take all memory.</summary>
/// <param name="options">The studio's options, with the limits.</param>
internal sealed class Uploads(StudioOptions options) : IDisposable
{
    // No supported model needs more; larger pictures are scaled down before they are stored.
    private const int MaxSide = 2048;
    private const int ManyPixels = 1 << 22;

    private readonly SemaphoreSlim decoder = new(1);

    /// <summary>Reads a picture within the studio's limits. Keeps transparency, because it may be a mask.</summary>
    /// <param name="body">The file.</param>
    /// <param name="cancellationToken">Stops while it is read or waits for others.</param>
    /// <exception cref="InvalidInputException">It is not a picture, is damaged, or has too many pixels.</exception>
    /// <exception cref="BadHttpRequestException">It has too many bytes.</exception>
    public async Task<(byte[] Png, PixelSize Size)> Read(Stream body, CancellationToken cancellationToken)
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
        await decoder.WaitAsync(cancellationToken);
        try
        {
            return Decode(bytes);
        }
        finally
        {
            decoder.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => decoder.Dispose();

    private (byte[] Png, PixelSize Size) Decode(MemoryStream bytes)
    {
        using var file = ImageFile.Open(bytes, "The file");
        var pixels = (long)file.Size.Width * file.Size.Height;
        if (pixels > options.MaxUploadPixels)
            throw new InvalidInputException($"The picture has {file.Size} pixels; at most {options.MaxUploadPixels >> 20} Mi pixels are accepted. Make it smaller.");
        try
        {
            var png = file.ToPng(MaxSide, out var size);
            return (png, size);
        }
        finally
        {
            // Arrays of this size are freed by a full collection only, which would often come after the next picture.
            if (pixels > ManyPixels)
                GC.Collect();
        }
    }
}
