namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Converts masks to pure black and white; an image may change where its mask is white. One rule applies to all masks:
/// <list type="bullet">
/// <item>In a mask with transparency, the painted part may change, whatever its color: pixels with alpha above half of the maximum.</item>
/// <item>Otherwise pixels brighter than half may change. If the only values are black and one darker gray (masks of 0 and 1), the gray may
/// change.</item> <item>A mask with both transparency and bright and dark paint is ambiguous and rejected, as is one without any area that
/// may change.</item> <item>A mask may have another size than its image if the aspect ratio is the same.</item>
/// </list>
/// </summary>
internal static class Mask
{
    // Rounding sides to pixels distorts the aspect ratio by at most this.
    private const double MaxDistortion = 0.05;

    /// <summary>Reads a mask from a file in any format that <see cref="ImageFile"/> supports.</summary>
    /// <exception cref="InvalidInputException">The file is missing, not an image, truncated, damaged, too large, or not a valid
    /// mask.</exception>
    public static Image Load(string path)
    {
        using var file = ImageFile.Open(path);
        return file.ReadMask();
    }

    /// <summary>Converts an image in memory to a mask.</summary>
    /// <exception cref="InvalidInputException">No area may change.</exception>
    public static Image Of(Image image)
    {
        var rule = new MaskRule("The mask", byte.MaxValue);
        for (var i = 0; i < image.Rgb.Length; i += Image.Channels)
            rule.Note(image.Rgb[i] + image.Rgb[i + 1] + image.Rgb[i + 2], byte.MaxValue);
        rule.Decide();
        return Painted(image, brightness => rule.MayChange(brightness, byte.MaxValue));
    }

    /// <summary>Resizes a mask to the size of its image.</summary>
    /// <param name="mask">The black-and-white mask.</param>
    /// <param name="image">The image's size.</param>
    /// <exception cref="InvalidInputException">The mask has another aspect ratio.</exception>
    public static Image Fit(Image mask, PixelSize image)
    {
        RequireShape(mask.Size, image);
        return mask.Size == image ? mask : Halved(mask.Resize(image.Width, image.Height));
    }

    /// <summary>Requires that a mask has an image's aspect ratio.</summary>
    /// <exception cref="InvalidInputException">It has another one.</exception>
    public static void RequireShape(PixelSize mask, PixelSize image) => InvalidInputException.Require(
        HasShape(mask, image), $"The mask has {mask} pixels and the image {image}. Use a mask with the image's size or aspect ratio.");

    /// <summary>Whether a mask has an image's aspect ratio, up to the rounding of its sides.</summary>
    public static bool HasShape(PixelSize mask, PixelSize image)
    {
        var (down, across) = ((double)mask.Width * image.Height / image.Width, (double)mask.Height * image.Width / image.Height);
        return IsClose(mask.Height, down) || IsClose(mask.Width, across);

        static bool IsClose(int side, double exact) => Math.Abs(side - exact) <= Math.Min(1, MaxDistortion * exact);
    }

    /// <summary>Frames a mask in the same way as its image.</summary>
    /// <param name="mask">The black-and-white mask of the whole image, with its aspect ratio.</param>
    /// <param name="framing">The framing of the image.</param>
    /// <exception cref="InvalidInputException">The mask has another aspect ratio, or its white area lies outside the frame.</exception>
    public static Image Frame(Image mask, Framing framing)
    {
        var framed = Halved(framing.Apply(Fit(mask, framing.Original)));
        InvalidInputException.Require(
            framed.Rgb.AsSpan().Contains(byte.MaxValue),
            "The mask is black everywhere in the part of the image that the model sees. Paint it white there, or use the framing fit or pad, which keep the whole image.");
        return framed;
    }

    private static Image Halved(Image mask) => Painted(mask, brightness => 2 * brightness > Image.Channels * byte.MaxValue);

    private static Image Painted(Image mask, Func<int, bool> isWhite)
    {
        var painted = new byte[mask.Rgb.Length];
        for (var i = 0; i < painted.Length; i += Image.Channels)
        {
            if (isWhite(mask.Rgb[i] + mask.Rgb[i + 1] + mask.Rgb[i + 2]))
                painted.AsSpan(i, Image.Channels).Fill(byte.MaxValue);
        }

        // Most masks are black and white already; they are not copied.
        return painted.AsSpan().SequenceEqual(mask.Rgb) ? mask : mask with { Rgb = painted };
    }
}

/// <summary>The rule of <see cref="Mask"/>: sees each pixel once, decides, and then tells whether a pixel may change.</summary>
/// <param name="name">The mask's name in errors.</param>
/// <param name="most">Maximum value of a color or alpha in the file.</param>
internal sealed class MaskRule(string name, int most)
{
    // The darkest and the brightest pixel of each alpha value.
    private readonly int[] darkest = [.. Enumerable.Repeat(int.MaxValue, most + 1)];
    private readonly int[] brightest = [.. Enumerable.Repeat(-1, most + 1)];
    private int highest;
    private int lowest = int.MaxValue;
    private bool hasThird;
    private bool livesInAlpha;
    private int threshold;

    /// <summary>Records a pixel.</summary>
    /// <param name="brightness">The sum of its three colors.</param>
    /// <param name="alpha">Its alpha.</param>
    public void Note(int brightness, int alpha)
    {
        hasThird |= brightness != highest && brightness != 0 && highest != 0;
        highest = Math.Max(highest, brightness);
        lowest = Math.Min(lowest, brightness);
        darkest[alpha] = Math.Min(darkest[alpha], brightness);
        brightest[alpha] = Math.Max(brightest[alpha], brightness);
    }

    /// <summary>Decides how to read the mask, after all pixels were recorded.</summary>
    /// <exception cref="InvalidInputException">The mask is ambiguous, or no area may change.</exception>
    public void Decide()
    {
        var opaque = Array.FindLastIndex(brightest, value => value >= 0);
        InvalidInputException.Require(opaque > 0, $"{name} is transparent everywhere, so nothing may change. Paint the area that may change, or use a black-and-white mask.");
        livesInAlpha = brightest.AsSpan(0, (opaque / 2) + 1).ContainsAnyExcept(-1);
        if (livesInAlpha)
        {
            threshold = opaque;
            var range = Enumerable.Range((opaque / 2) + 1, opaque - (opaque / 2)).ToList();
            InvalidInputException.Require(
                range.Max(alpha => brightest[alpha]) - range.Min(alpha => darkest[alpha]) <= 3 * (most + 1) / 2,
                $"{name} has bright and dark paint as well as transparent parts, so the mask is ambiguous. "
                + "Fill the transparent parts with black to select by brightness, or paint in a single color to select the painted part.");
            return;
        }

        // Masks with the values 0 and 1, or 0 and another small number.
        threshold = 2 * highest <= 3 * most && !hasThird && (lowest == 0 || highest == 3) ? 0 : 3 * most;
        InvalidInputException.Require(
            2 * highest > threshold,
            $"{name} is black everywhere, so nothing may change (its brightest value is {highest / 3} of {most}). Paint it white where the image may change.");
    }

    /// <summary>Whether a pixel may change.</summary>
    public bool MayChange(int brightness, int alpha) => 2 * (livesInAlpha ? alpha : brightness) > threshold;
}
