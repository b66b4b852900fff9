namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// The resizing of <see cref="BicubicResampler"/>, byte for byte, of an image that arrives row by row: only its rows at the new width are held.
/// </summary>
internal sealed class ResampledRows
{
    private readonly BicubicResampler.Taps[] across, down;
    private readonly Image narrow;
    private readonly int first;
    private readonly int height;

    /// <summary>Begins.</summary>
    /// <param name="part">The part of the image to resize.</param>
    /// <param name="image">Size of the image.</param>
    /// <param name="width">Resized width.</param>
    /// <param name="height">Resized height.</param>
    public ResampledRows(PixelBox part, PixelSize image, int width, int height)
    {
        across = BicubicResampler.Taps.Of(part.X, part.Width, width, image.Width);
        down = BicubicResampler.Taps.Of(part.Y, part.Height, height, image.Height);
        this.height = height;
        first = down[0].First;
        var rows = down[^1].First + down[^1].Weights.Length - first;
        narrow = new Image(width, rows, new byte[width * rows * Image.Channels]);
    }

    /// <summary>Whether a row contributes.</summary>
    public bool Needs(int y) => y >= first && y < first + narrow.Height;

    /// <summary>Adds a row that contributes.</summary>
    /// <param name="row">Its pixels as RGB.</param>
    /// <param name="y">Its number.</param>
    public void Add(ReadOnlySpan<byte> row, int y) => BicubicResampler.Across(row, across, narrow.Rgb.AsSpan((y - first) * narrow.Width * Image.Channels));

    /// <summary>The resized image, once all rows are added.</summary>
    public Image Finish()
    {
        var resized = new Image(narrow.Width, height, new byte[narrow.Width * height * Image.Channels]);
        BicubicResampler.Down(narrow, down, first, resized, PixelRectangle.Whole(resized.Size));
        return resized;
    }
}
