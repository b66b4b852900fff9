namespace PromptToPrompt.Diffusion.Images;

/// <summary>A size in pixels.</summary>
public readonly record struct PixelSize(int Width, int Height)
{
    /// <summary>Scales a size by an integer factor.</summary>
    public static PixelSize operator *(PixelSize size, int factor) => new(size.Width * factor, size.Height * factor);

    /// <inheritdoc/>
    public override string ToString() => $"{Width}x{Height}";
}

/// <summary>A rectangle of an image, in pixels from the top-left corner.</summary>
internal readonly record struct PixelRectangle(int X, int Y, int Width, int Height)
{
    /// <summary>The rectangle of the whole image.</summary>
    public static PixelRectangle Whole(PixelSize size) => new(0, 0, size.Width, size.Height);
}

/// <summary>A rectangle of an image whose edges may lie within pixels.</summary>
internal readonly record struct PixelBox(double X, double Y, double Width, double Height)
{
    public static implicit operator PixelBox(PixelRectangle part) => new(part.X, part.Y, part.Width, part.Height);
}

/// <summary>Margins to cut off from an image, in pixels.</summary>
internal readonly record struct PixelMargins(int Left, int Right, int Top, int Bottom);

/// <summary>The transformation from a stored image to its displayed orientation.</summary>
/// <param name="Swaps">Whether stored rows become columns.</param>
/// <param name="FromRight">Whether the first stored pixel is displayed at the right.</param>
/// <param name="FromBottom">Whether the first stored pixel is displayed at the bottom.</param>
/// <param name="Seen">Size of the displayed image.</param>
internal readonly record struct Turn(bool Swaps, bool FromRight, bool FromBottom, PixelSize Seen)
{
    /// <summary>Row-major index difference between adjacent pixels of a stored row in the displayed image.</summary>
    public int Across => Swaps ? Below : Beside;

    private int Beside => FromRight ? -1 : 1;

    private int Below => FromBottom ? -Seen.Width : Seen.Width;

    /// <summary>The transformation for an EXIF orientation.</summary>
    /// <param name="orientation">EXIF orientation, 1 to 8.</param>
    /// <param name="stored">Size of the stored image.</param>
    public static Turn Of(int orientation, PixelSize stored) => new(
        orientation >= 5, orientation is 2 or 3 or 6 or 7, orientation is 3 or 4 or 7 or 8, orientation >= 5 ? new(stored.Height, stored.Width) : stored);

    /// <summary>Row-major index of a stored pixel in the displayed image.</summary>
    public int IndexOf(int x, int y) =>
        (FromRight ? Seen.Width - 1 : 0) + (FromBottom ? (Seen.Height - 1) * Seen.Width : 0) + (x * Across) + (y * (Swaps ? Beside : Below));
}
