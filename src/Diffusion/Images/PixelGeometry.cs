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
public readonly record struct PixelRectangle(int X, int Y, int Width, int Height)
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
public readonly record struct PixelMargins(int Left, int Right, int Top, int Bottom);
