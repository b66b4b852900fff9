using System.Buffers.Binary;
using System.Runtime.InteropServices;
using SkiaSharp;

namespace PromptToPrompt.Diffusion.Images;

// An image as a mask: numbers, not colors.
internal sealed partial class ImageFile
{
    // Color types in a PNG file.
    private const byte Gray = 0;
    private const byte GrayAlpha = 4;
    private const byte ColorsAlpha = 6;

    /// <summary>Decodes the image as a mask, by the rule of <see cref="Mask"/>.</summary>
    /// <returns>White where the image may change, black elsewhere.</returns>
    /// <exception cref="InvalidInputException">The image is damaged, or is not a valid mask.</exception>
    public Image ReadMask()
    {
        if (!HasSixteenBits)
            return ReadMask(SKColorType.Rgba8888, byte.MaxValue, EightBits);
        var colors = data.Span[PngColors];
        if (colors is not (Gray or GrayAlpha))
            return ReadMask(SKColorType.RgbaF16, ushort.MaxValue, (row, pixel) => (Deep(row, pixel) + Deep(row, pixel + 1) + Deep(row, pixel + 2), Deep(row, pixel + 3)));

        // The decoder reduces gray to 8 bits. Relabeled as 8-bit channels, the two bytes of each 16-bit value are decoded separately.
        var isGray = colors == Gray;
        var file = data.ToArray();
        (file[PngDepth], file[PngColors]) = (8, isGray ? GrayAlpha : ColorsAlpha);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), ImageChunks.Checksum(file.AsSpan(12, 17)));
        using var halves = Open(new MemoryStream(file), name);
        return halves.ReadMask(SKColorType.Rgba8888, ushort.MaxValue, (row, pixel) => isGray
            ? (3 * Whole(row[pixel], row[pixel + 3]), ushort.MaxValue)
            : (3 * Whole(row[pixel], row[pixel + 1]), Whole(row[pixel + 2], row[pixel + 3])));

        static int Deep(ReadOnlySpan<byte> row, int number) => (int)Math.Round(ushort.MaxValue * (float)MemoryMarshal.Cast<byte, Half>(row)[number]);

        static int Whole(byte high, byte low) => (high << 8) | low;
    }

    /// <summary>Checks the image as a mask without keeping its pixels.</summary>
    /// <exception cref="InvalidInputException">The image is damaged, or is not a valid mask.</exception>
    public void CheckMask()
    {
        if (HasSixteenBits)
            _ = ReadMask();
        else
            _ = RuleOf(Rgba(SKColorType.Rgba8888), byte.MaxValue, EightBits);
    }

    private Image ReadMask(SKColorType type, int most, NumberReader read)
    {
        // Masks are numbers, not colors, so no color profile is applied.
        var info = Rgba(type);
        var rule = RuleOf(info, most, read);
        var turn = Turn.Of(orientation, Stored);
        var mask = new byte[info.Width * info.Height * Image.Channels];
        Decode(info, (row, y) =>
        {
            for (var x = 0; x < info.Width; x++)
            {
                var (brightness, alpha) = read(row, 4 * x);
                if (rule.MayChange(brightness, alpha))
                    mask.AsSpan(turn.IndexOf(x, y) * Image.Channels, Image.Channels).Fill(byte.MaxValue);
            }
        });
        return new Image(turn.Seen.Width, turn.Seen.Height, mask);
    }

    private MaskRule RuleOf(SKImageInfo info, int most, NumberReader read)
    {
        var rule = new MaskRule(name, most);
        Decode(info, (row, _) =>
        {
            for (var x = 0; x < info.Width; x++)
            {
                var (brightness, alpha) = read(row, 4 * x);
                rule.Note(brightness, alpha);
            }
        });
        rule.Decide();
        return rule;
    }

    private static (int Brightness, int Alpha) EightBits(ReadOnlySpan<byte> row, int pixel) => (row[pixel] + row[pixel + 1] + row[pixel + 2], row[pixel + 3]);

    // Returns a pixel's sum of colors and its alpha; the argument is the index of its first value in the row.
    private delegate (int Brightness, int Alpha) NumberReader(ReadOnlySpan<byte> row, int number);
}
