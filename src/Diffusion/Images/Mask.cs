namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Where a picture may change: a picture that is white there and black elsewhere, with nothing in between. One rule reads all masks:
/// <list type="bullet">
/// <item>Painted on a transparent ground, what is painted may change, in whatever color: a pixel whose alpha is above half of the highest.</item>
/// <item>Else what is brighter than half may change. Where black and one darker grey are all there is (masks of 0 and 1), that grey may change.</item>
/// <item>Where alpha tells one thing and bright and dark paint another, the mask is refused; so is one in which nothing may change.</item>
/// <item>A mask may have another size than its picture, as long as it has the same shape.</item>
/// </list>
/// </summary>
internal static class Mask
{
    // Sides that were rounded to pixels are as little off.
    private const double MaxDistortion = 0.05;

    /// <summary>Reads a mask from a file of any of the kinds that <see cref="PictureFile"/> reads.</summary>
    /// <exception cref="InvalidInputException">There is no such file, or it is no picture, incomplete, damaged, too large, or no mask.</exception>
    public static Picture Load(string path)
    {
        using var file = PictureFile.Open(path);
        return file.ReadMask();
    }

    /// <summary>A picture in memory as a mask.</summary>
    /// <exception cref="InvalidInputException">Nothing may change.</exception>
    public static Picture Of(Picture picture)
    {
        var rule = new MaskRule("The mask", byte.MaxValue);
        for (var i = 0; i < picture.Rgb.Length; i += Picture.Channels)
            rule.Note(picture.Rgb[i] + picture.Rgb[i + 1] + picture.Rgb[i + 2], byte.MaxValue);
        rule.Decide();
        return Painted(picture, brightness => rule.MayChange(brightness, byte.MaxValue));
    }

    /// <summary>A mask at the size of its picture.</summary>
    /// <param name="mask">The mask, in black and white.</param>
    /// <param name="picture">The picture's size.</param>
    /// <exception cref="InvalidInputException">The mask has another shape.</exception>
    public static Picture Fit(Picture mask, PixelSize picture)
    {
        InvalidInputException.Require(
            HasShape(mask.Size, picture),
            $"The mask has {mask.Size} pixels and the picture {picture}: give a mask of the picture's size, or of its shape at another size.");
        return mask.Size == picture ? mask : Halved(mask.Resize(picture.Width, picture.Height));
    }

    /// <summary>Whether a mask has a picture's shape but for the rounding of its sides.</summary>
    public static bool HasShape(PixelSize mask, PixelSize picture)
    {
        var (down, across) = ((double)mask.Width * picture.Height / picture.Width, (double)mask.Height * picture.Width / picture.Height);
        return IsClose(mask.Height, down) || IsClose(mask.Width, across);

        static bool IsClose(int side, double exact) => Math.Abs(side - exact) <= Math.Min(1, MaxDistortion * exact);
    }

    /// <summary>A mask of a picture as the model sees it, framed as the picture is.</summary>
    /// <param name="mask">The mask of the whole picture, in black and white, of its shape.</param>
    /// <param name="framing">How the picture is framed.</param>
    /// <exception cref="InvalidInputException">The mask has another shape, or all that may change lies outside the frame.</exception>
    public static Picture Frame(Picture mask, Framing framing)
    {
        var framed = Halved(framing.Apply(Fit(mask, framing.Original)));
        InvalidInputException.Require(
            framed.Rgb.AsSpan().Contains(byte.MaxValue),
            "The mask is black everywhere in the part of the picture that the model sees: paint it white there, or frame the picture so that all of it is seen (fit or pad).");
        return framed;
    }

    private static Picture Halved(Picture mask) => Painted(mask, brightness => 2 * brightness > Picture.Channels * byte.MaxValue);

    private static Picture Painted(Picture mask, Func<int, bool> isWhite)
    {
        var painted = new byte[mask.Rgb.Length];
        for (var i = 0; i < painted.Length; i += Picture.Channels)
        {
            if (isWhite(mask.Rgb[i] + mask.Rgb[i + 1] + mask.Rgb[i + 2]))
                painted.AsSpan(i, Picture.Channels).Fill(byte.MaxValue);
        }

        // Most masks are painted already; they are not held twice.
        return painted.AsSpan().SequenceEqual(mask.Rgb) ? mask : mask with { Rgb = painted };
    }
}

/// <summary>The rule of <see cref="Mask"/>: sees each pixel once, decides, and then tells of each pixel whether it may change.</summary>
/// <param name="name">What errors call the mask.</param>
/// <param name="most">The largest number a color or alpha can have in the file.</param>
internal sealed class MaskRule(string name, int most)
{
    // Of each alpha the darkest and the brightest pixel that has it.
    private readonly int[] darkest = [.. Enumerable.Repeat(int.MaxValue, most + 1)];
    private readonly int[] brightest = [.. Enumerable.Repeat(-1, most + 1)];
    private int highest;
    private int lowest = int.MaxValue;
    private bool hasThird;
    private bool livesInAlpha;
    private int threshold;

    /// <summary>Sees a pixel.</summary>
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

    /// <summary>Decides by all that was seen.</summary>
    /// <exception cref="InvalidInputException">The mask can be read in two ways, or nothing may change.</exception>
    public void Decide()
    {
        var opaque = Array.FindLastIndex(brightest, value => value >= 0);
        InvalidInputException.Require(opaque > 0, $"{name} is transparent everywhere, so that nothing may change: paint what may change, or give a mask in black and white.");
        livesInAlpha = brightest.AsSpan(0, (opaque / 2) + 1).ContainsAnyExcept(-1);
        if (livesInAlpha)
        {
            threshold = opaque;
            var range = Enumerable.Range((opaque / 2) + 1, opaque - (opaque / 2)).ToList();
            InvalidInputException.Require(
                range.Max(alpha => brightest[alpha]) - range.Min(alpha => darkest[alpha]) <= 3 * (most + 1) / 2,
                $"{name} has bright and dark paint as well as transparent parts, and it is not clear which of them is the mask: "
                + "fill the transparent parts with black to go by brightness, or paint all in one color to go by what is painted.");
            return;
        }

        // Masks of 0 and 1, or of 0 and another small number.
        threshold = 2 * highest <= 3 * most && !hasThird && (lowest == 0 || highest == 3) ? 0 : 3 * most;
        InvalidInputException.Require(
            2 * highest > threshold,
            $"{name} is black everywhere, so that nothing may change (its brightest value is {highest / 3} of {most}): paint it white where the picture may change.");
    }

    /// <summary>Whether a pixel may change.</summary>
    public bool MayChange(int brightness, int alpha) => 2 * (livesInAlpha ? alpha : brightness) > threshold;
}
