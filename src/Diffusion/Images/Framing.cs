namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Maps images of one size to a model's working size, and back. All kinds of framing work in the same way: a <see cref="Region"/> of the
/// original is resized into a <see cref="Place"/> of the framed image. Pure geometry: one framing applies to the image, its mask and its
/// edits.
/// </summary>
/// <param name="Original">Size of the original images.</param>
/// <param name="Region">The region of the original that is used.</param>
/// <param name="Place">The rectangle of that region in the framed image.</param>
/// <param name="Framed">Size of the framed image.</param>
internal sealed record Framing(PixelSize Original, PixelRectangle Region, PixelRectangle Place, PixelSize Framed)
{
    /// <summary>Computes a framing.</summary>
    /// <param name="kind">The kind of framing.</param>
    /// <param name="original">Size of the original image.</param>
    /// <param name="target">The model's working size; <see cref="FramingKind.Fit"/> uses only its area.</param>
    /// <param name="multiple">The framed sides of <see cref="FramingKind.Fit"/> are multiples of this.</param>
    /// <param name="margins">Margins to cut off first.</param>
    /// <exception cref="InvalidInputException">The margins are negative or leave no pixels.</exception>
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

    /// <summary>The framing of an image that the model made: it is used as it is.</summary>
    public static Framing Whole(PixelSize size) => new(size, PixelRectangle.Whole(size), PixelRectangle.Whole(size), size);

    /// <summary>Frames an image.</summary>
    /// <exception cref="ArgumentException">The image has another size.</exception>
    public Image Apply(Image image)
    {
        RequireSize(image, Original);
        return Bring(image, Region);
    }

    /// <summary>Frames an image that is resized elsewhere.</summary>
    /// <param name="resize">Resizes a part of the original to a width and a height.</param>
    internal Image Bring(Func<PixelBox, int, int, Image> resize) => Placed(resize(Region, Place.Width, Place.Height));

    /// <summary>Resizes a region of an image into <see cref="Place"/>.</summary>
    internal Image Bring(Image image, PixelBox region) => Placed(BicubicResampler.Resize(image, region, Place.Width, Place.Height));

    /// <summary>
    /// Maps an edited image back to the original's size and position. Outside <see cref="Region"/> the original is unchanged.
    /// </summary>
    /// <param name="edited">An image of the framed size.</param>
    /// <param name="original">The original image.</param>
    /// <exception cref="ArgumentException">An image has another size.</exception>
    public Image Restore(Image edited, Image original)
    {
        RequireSize(edited, Framed);
        RequireSize(original, Original);
        // Copies a photograph only once.
        var restored = new byte[original.Rgb.Length];
        if (Region != PixelRectangle.Whole(Original))
            original.Rgb.CopyTo(restored, 0);
        BicubicResampler.Resize(edited, Place, new Image(Original.Width, Original.Height, restored), Region);
        return original with { Rgb = restored };
    }

    private Image Placed(Image part) => part.Size == Framed ? part : part.Extend(Framed, Place.X, Place.Y);

    private static PixelRectangle Inside(PixelSize size, PixelMargins margins)
    {
        var (left, right, top, bottom) = margins;
        if (Math.Min(Math.Min(left, right), Math.Min(top, bottom)) < 0)
            throw new InvalidInputException("The margins of an image must not be negative.");
        if ((long)left + right >= size.Width || (long)top + bottom >= size.Height)
            throw new InvalidInputException($"The margins leave no pixels of an image of {size} pixels. Use smaller margins.");
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

    // Limits a side to the length that the area allows with the shortest other side, so that even a very narrow image stays near the area.
    private static PixelSize Nearest(PixelRectangle used, double area, int multiple)
    {
        var width = Math.Sqrt(area * used.Width / used.Height);
        return new PixelSize(Side(width), Side(area / width));

        int Side(double length) => multiple * (int)Math.Clamp(Math.Round(length / multiple), 1, Math.Max(1, area / multiple / multiple));
    }

    private static void RequireSize(Image image, PixelSize size)
    {
        if (image.Size != size)
            throw new ArgumentException($"The image has {image.Size} pixels; this framing is for {size}.", nameof(image));
    }
}
