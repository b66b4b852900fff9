namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Brings pictures of one size to the size a model works at, and back. Every kind of framing is the same thing: a <see cref="Region"/> of the
/// original is resized into a <see cref="Place"/> of the framed picture. Pure geometry; one framing serves the picture, its mask and its edits.
/// </summary>
/// <param name="Original">Size of the pictures that are framed.</param>
/// <param name="Region">The part of the original that is used.</param>
/// <param name="Place">Where that part lies in the framed picture.</param>
/// <param name="Framed">Size of the framed picture.</param>
public sealed record Framing(PixelSize Original, PixelRectangle Region, PixelRectangle Place, PixelSize Framed)
{
    /// <summary>Works out a framing.</summary>
    /// <param name="kind">Which way.</param>
    /// <param name="original">Size of the picture.</param>
    /// <param name="target">Size the model works at; <see cref="FramingKind.Fit"/> takes its area alone.</param>
    /// <param name="multiple">The framed sides of <see cref="FramingKind.Fit"/> are multiples of this.</param>
    /// <param name="margins">What of the picture is left away before anything else.</param>
    /// <exception cref="InvalidInputException">The margins are negative or leave nothing.</exception>
    public static Framing Create(FramingKind kind, PixelSize original, PixelSize target, int multiple, PixelMargins margins = default)
    {
        var used = Inside(original, margins);
        return kind switch
        {
            FramingKind.Crop => new Framing(original, Middle(used, target), PixelRectangle.Whole(target), target),
            FramingKind.Pad => new Framing(original, used, Letterbox(used, target), target),
            _ => Fitted(original, used, Nearest(used, (double)target.Width * target.Height, multiple)),
        };
    }

    /// <summary>The framed picture.</summary>
    /// <exception cref="ArgumentException">The picture is of another size.</exception>
    public Picture Apply(Picture picture)
    {
        RequireSize(picture, Original);
        return Bring(picture, Region);
    }

    /// <summary>Brings a part of a picture to <see cref="Place"/>.</summary>
    internal Picture Bring(Picture picture, PixelBox region)
    {
        var part = BicubicResampler.Resize(picture, region, Place.Width, Place.Height);
        return part.Size == Framed ? part : part.Extend(Framed, Place.X, Place.Y);
    }

    /// <summary>Brings an edited picture back to the original's size and place. Outside <see cref="Region"/> the original stays, byte for byte.</summary>
    /// <param name="edited">A picture of the framed size.</param>
    /// <param name="original">The picture that was framed.</param>
    /// <exception cref="ArgumentException">A picture is of another size.</exception>
    public Picture Restore(Picture edited, Picture original)
    {
        RequireSize(edited, Framed);
        RequireSize(original, Original);
        // A photograph is held once more and no oftener.
        var restored = new byte[original.Rgb.Length];
        if (Region != PixelRectangle.Whole(Original))
            original.Rgb.CopyTo(restored, 0);
        BicubicResampler.Resize(edited, Place, new Picture(Original.Width, Original.Height, restored), Region);
        return original with { Rgb = restored };
    }

    private static PixelRectangle Inside(PixelSize size, PixelMargins margins)
    {
        var (left, right, top, bottom) = margins;
        if (Math.Min(Math.Min(left, right), Math.Min(top, bottom)) < 0)
            throw new InvalidInputException("The margins of a picture must not be negative.");
        if ((long)left + right >= size.Width || (long)top + bottom >= size.Height)
            throw new InvalidInputException($"The margins leave nothing of a picture of {size} pixels; give smaller ones.");
        return new PixelRectangle(left, top, size.Width - left - right, size.Height - top - bottom);
    }

    private static PixelRectangle Middle(PixelRectangle used, PixelSize shape)
    {
        var scale = Math.Min((double)used.Width / shape.Width, (double)used.Height / shape.Height);
        var (width, height) = Scaled(shape.Width, shape.Height, scale, new PixelSize(used.Width, used.Height));
        return new PixelRectangle(used.X + ((used.Width - width) / 2), used.Y + ((used.Height - height) / 2), width, height);
    }

    private static PixelRectangle Letterbox(PixelRectangle used, PixelSize box)
    {
        var scale = Math.Min((double)box.Width / used.Width, (double)box.Height / used.Height);
        var (width, height) = Scaled(used.Width, used.Height, scale, box);
        return new PixelRectangle((box.Width - width) / 2, (box.Height - height) / 2, width, height);
    }

    private static (int Width, int Height) Scaled(int width, int height, double scale, PixelSize largest) =>
        (Math.Clamp((int)Math.Round(width * scale), 1, largest.Width), Math.Clamp((int)Math.Round(height * scale), 1, largest.Height));

    private static Framing Fitted(PixelSize original, PixelRectangle used, PixelSize framed) => new(original, used, PixelRectangle.Whole(framed), framed);

    // A side is never longer than the area allows beside the shortest one, so that no picture, however thin, costs more than about the area.
    private static PixelSize Nearest(PixelRectangle used, double area, int multiple)
    {
        var width = Math.Sqrt(area * used.Width / used.Height);
        return new PixelSize(Side(width), Side(area / width));

        int Side(double length) => multiple * (int)Math.Clamp(Math.Round(length / multiple), 1, Math.Max(1, area / multiple / multiple));
    }

    private static void RequireSize(Picture picture, PixelSize size)
    {
        if (picture.Size != size)
            throw new ArgumentException($"The picture has {picture.Size} pixels; this framing is for {size}.", nameof(picture));
    }
}
