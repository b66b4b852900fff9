using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Editing.Compositing;

/// <summary>Draws an edit over its original at the original's size.</summary>
internal static class Composite
{
    /// <summary>Draws an edit over its original. Where the opacity is 0, the result is the original's, byte for byte.</summary>
    /// <param name="original">The original.</param>
    /// <param name="framing">Its framing.</param>
    /// <param name="edited">The edit, framed.</param>
    /// <param name="opacities">The opacity of the edit.</param>
    /// <param name="mask">A second opacity for each pixel of the original, 0 to 255, by which the first is multiplied; null for none.</param>
    public static Image Create(Image original, Framing framing, Image edited, OpacityMap opacities, byte[]? mask = null)
    {
        var region = framing.Region;
        var drawn = framing.Restore(edited, original);
        Parallel.For(region.Y, region.Y + region.Height, () => new float[region.Width], (y, _, row) =>
        {
            var start = (y * original.Width) + region.X;
            var under = PixelsOf(original);
            var over = PixelsOf(drawn);
            if (!opacities.Read(y, row))
            {
                under.CopyTo(over);
                return row;
            }

            for (var x = 0; x < row.Length; x++)
            {
                var opacity = mask is null ? row[x] : row[x] * mask[start + x] / byte.MaxValue;
                for (var i = 3 * x; i < 3 * (x + 1); i++)
                    over[i] = (byte)MathF.Round(under[i] + (opacity * (over[i] - under[i])));
            }

            return row;

            Span<byte> PixelsOf(Image picture) => picture.Rgb.AsSpan(3 * start, 3 * region.Width);
        }, _ => { });
        return drawn;
    }
}
