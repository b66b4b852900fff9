namespace PromptToPrompt.Storybook.World;

/// <summary>A painted scene: its pixels and, exactly, which part of the scene each pixel shows.</summary>
public sealed class Painting
{
    private readonly byte[] subject;
    private readonly byte[] companion;
    private readonly byte[] sky;
    private readonly byte[] accessory;

    internal Painting(int size, byte[] rgb, byte[] subject, byte[] companion, byte[] sky, byte[] accessory)
    {
        Size = size;
        Rgb = rgb;
        this.subject = subject;
        this.companion = companion;
        this.sky = sky;
        this.accessory = accessory;
    }

    /// <summary>Width and height in pixels.</summary>
    public int Size { get; }

    /// <summary>The pixels, row by row from the top, three bytes (red, green, blue) each: Size·Size·3 bytes.</summary>
    public byte[] Rgb { get; }

    /// <summary>The coverage of a part at full resolution: Size·Size values in 0..1, row by row.</summary>
    public float[] Region(Part part)
    {
        var region = new float[Size * Size];
        for (var i = 0; i < region.Length; i++)
            region[i] = Coverage(part, i);
        return region;
    }

    /// <summary>
    /// The coverage of a part on a grid laid over the picture: the share of each cell's area that shows the part,
    /// gridWidth·gridHeight values in 0..1, row by row. What hides a part is taken out of it.
    /// </summary>
    /// <param name="part">The part.</param>
    /// <param name="gridWidth">Cells in a row, at least 1.</param>
    /// <param name="gridHeight">Rows of cells, at least 1.</param>
    public float[] Region(Part part, int gridWidth, int gridHeight)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(gridWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(gridHeight, 1);
        var cells = new float[gridWidth * gridHeight];
        if (part == Part.Whole)
        {
            Array.Fill(cells, 1f);
            return cells;
        }
        for (var row = 0; row < gridHeight; row++)
        {
            for (var column = 0; column < gridWidth; column++)
                cells[(row * gridWidth) + column] = Average(part, column, gridWidth, row, gridHeight);
        }
        return cells;
    }

    // If the grid does not divide the image, cells cut through pixels; each pixel then counts by the area inside.
    private float Average(Part part, int column, int gridWidth, int row, int gridHeight)
    {
        var (left, right) = ((float)column * Size / gridWidth, (float)(column + 1) * Size / gridWidth);
        var (top, bottom) = ((float)row * Size / gridHeight, (float)(row + 1) * Size / gridHeight);
        var sum = 0f;
        for (var y = (int)top; y < bottom; y++)
        {
            var height = Math.Min(y + 1, bottom) - Math.Max(y, top);
            for (var x = (int)left; x < right; x++)
                sum += height * (Math.Min(x + 1, right) - Math.Max(x, left)) * Coverage(part, (y * Size) + x);
        }
        return Math.Clamp(sum / ((right - left) * (bottom - top)), 0f, 1f);
    }

    private float Coverage(Part part, int pixel) => part switch
    {
        Part.Subject => subject[pixel] / 255f,
        Part.Companion => companion[pixel] / 255f,
        Part.Accessory => accessory[pixel] / 255f,
        Part.Sky => sky[pixel] / 255f,
        // Rounding of overlapping layers can make the sum of the three slightly exceed the whole.
        Part.Place => Math.Max(0, 255 - subject[pixel] - companion[pixel] - sky[pixel]) / 255f,
        Part.Whole => 1f,
        _ => throw new ArgumentOutOfRangeException(nameof(part)),
    };
}
