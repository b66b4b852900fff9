using System.Runtime.InteropServices;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Images;

// An image encoded again, as PNG with its transparency.
internal sealed partial class ImageFile
{
    /// <summary>Encodes the image as PNG, with its transparency.</summary>
    /// <param name="longestSide">Maximum side in pixels; larger images are reduced.</param>
    /// <param name="size">The size of the result.</param>
    /// <exception cref="InvalidInputException">The image is damaged.</exception>
    public byte[] ToPng(int longestSide, out PixelSize size)
    {
        size = Within(longestSide);
        // Turned rows are columns. Smaller images are compressed better.
        if (size == Size && orientation == 1 && !HasSixteenBits && (long)size.Width * size.Height > Image.Large)
            return Rows(size);
        if (size == Size && !HasTransparency && !HasSixteenBits)
        {
            using var whole = ReadBitmap();
            return Image.EncodePng(whole);
        }

        var image = ReadWithin(longestSide);
        if (HasSixteenBits && !image.Rgb.AsSpan().ContainsAnyExcept(byte.MinValue))
            image = SmallNumbers(image);
        using var bitmap = HasTransparency ? Uncover(image, Alpha(size)) : image.ToBitmap();
        return Image.EncodePng(bitmap);
    }

    // Encodes each row as soon as it is decoded.
    private byte[] Rows(PixelSize size)
    {
        using var srgb = SKColorSpace.CreateSrgb();
        using var png = new PngRows(size, HasTransparency);
        var visible = new byte[size.Width * 4];
        Decode(Rgba(SKColorType.Rgba8888, Stored, srgb), (row, _) =>
        {
            if (HasTransparency)
                row = Uncovered(row, visible);
            png.Add(row);
        });
        return png.Finish();
    }

    // Invisible colors are white, as in smaller images.
    private static ReadOnlySpan<byte> Uncovered(ReadOnlySpan<byte> row, byte[] visible)
    {
        row.CopyTo(visible);
        for (var pixel = 0; pixel < visible.Length; pixel += 4)
        {
            if (visible[pixel + 3] == 0)
                visible.AsSpan(pixel, Image.Channels).Fill(Opaque);
        }

        return visible;
    }

    // The whole opaque image, decoded to where it is encoded from.
    private SKBitmap ReadBitmap()
    {
        using var srgb = SKColorSpace.CreateSrgb();
        var turn = Turn.Of(orientation, Stored);
        var bitmap = new SKBitmap();
        Allocate(bitmap, new SKImageInfo(Size.Width, Size.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        return bitmap.DisposeOnFailure(() =>
        {
            Decode(Rgba(SKColorType.Rgba8888, Stored, srgb), (row, y) =>
            {
                var pixels = MemoryMarshal.Cast<byte, int>(bitmap.GetPixelSpan());
                var from = MemoryMarshal.Cast<byte, int>(row);
                var target = turn.IndexOf(0, y);
                for (var x = 0; x < Stored.Width; x++, target += turn.Across)
                    pixels[target] = from[x];
            });
            return bitmap;
        });
    }

    // A 16-bit mask of small numbers would be black as an image; it is kept as a mask.
    private Image SmallNumbers(Image black)
    {
        try
        {
            return ReadMask().Resize(black.Width, black.Height);
        }
        catch (InvalidInputException)
        {
            return black;
        }
    }

    // The alpha channel as a gray image, so that it is resized in the same way as the colors.
    private Image Alpha(PixelSize size)
    {
        var turn = Turn.Of(orientation, Stored);
        var gray = new byte[Stored.Width * Stored.Height * Image.Channels];
        Decode(new SKImageInfo(Stored.Width, Stored.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul), (row, y) =>
        {
            for (var x = 0; x < Stored.Width; x++)
                gray.AsSpan(turn.IndexOf(x, y) * Image.Channels, Image.Channels).Fill(row[(4 * x) + 3]);
        });
        return new Image(turn.Seen.Width, turn.Seen.Height, gray).Resize(size.Width, size.Height);
    }

    // Removes the white under the colors; drawn over white again, they are unchanged.
    private static SKBitmap Uncover(Image overWhite, Image alpha)
    {
        var bitmap = new SKBitmap(new SKImageInfo(overWhite.Width, overWhite.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        var pixels = bitmap.GetPixelSpan();
        for (var i = 0; i < overWhite.Rgb.Length; i++)
        {
            var (pixel, channel) = Math.DivRem(i, Image.Channels);
            int share = alpha.Rgb[i];
            pixels[(4 * pixel) + channel] = share == 0 ? Opaque : (byte)Math.Clamp(((Opaque * (overWhite.Rgb[i] - Opaque + share)) + (share / 2)) / share, 0, Opaque);
            pixels[(4 * pixel) + Image.Channels] = (byte)share;
        }

        return bitmap;
    }
}
