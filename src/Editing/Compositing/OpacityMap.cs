using PromptToPrompt.Diffusion.Images;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Compositing;

/// <summary>The opacity of an edit over its original, from 0 to 1, for each pixel of the framed image.</summary>
internal sealed class OpacityMap
{
    // Share of the framed part's shorter side over which an edit fades out towards a border inside the original.
    private const double BorderShare = 0.1;

    private readonly float[] values;
    private readonly Framing framing;

    private OpacityMap(Framing framing, Tensor map) => (this.framing, values) = (framing, map.contiguous().data<float>().ToArray());

    /// <summary>An edit that may change all of the framed image. It fades out where the frame cuts through the original.</summary>
    public static OpacityMap Whole(Framing framing)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return new(framing, Border(framing));
    }

    /// <summary>An edit that shows only where it differs from its source.</summary>
    /// <param name="framing">The framing.</param>
    /// <param name="edited">The edit, framed.</param>
    /// <param name="source">The model's image of its source, framed.</param>
    /// <param name="region">The latent positions that may change, [h, w], zero elsewhere; null for all.</param>
    /// <param name="perLatent">Pixels per latent position.</param>
    public static OpacityMap Of(Framing framing, Image edited, Image source, Tensor? region, int perLatent)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var map = ChangeMap.Of(edited, source, perLatent) * Border(framing);
        return new(framing, region is null ? map : map * Region(region, perLatent));
    }

    /// <summary>The opacities of a row of the original's framed region, interpolated between the pixels of the framed image.</summary>
    /// <param name="y">Row of the original.</param>
    /// <param name="row">Receives an opacity for each column of the region.</param>
    /// <returns>Whether any opacity is above 0.</returns>
    public bool Read(int y, Span<float> row)
    {
        var (region, place, width) = (framing.Region, framing.Place, framing.Framed.Width);
        var (top, bottom, down) = Between(y - region.Y, region.Height, place.Y, place.Height);
        var upper = values.AsSpan(top * width, width);
        var lower = values.AsSpan(bottom * width, width);
        if (!upper.ContainsAnyExcept(0f) && !lower.ContainsAnyExcept(0f))
            return false;
        for (var x = 0; x < row.Length; x++)
        {
            var (left, right, across) = Between(x, region.Width, place.X, place.Width);
            row[x] = Mix(Mix(upper[left], upper[right], across), Mix(lower[left], lower[right], across), down);
        }

        return true;

        static float Mix(float from, float to, float share) => from + (share * (to - from));
    }

    // The pixels on both sides of a position, and its share of the way.
    private static (int From, int To, float Share) Between(int position, int length, int start, int extent)
    {
        var exact = Math.Clamp(((position + 0.5) * extent / length) - 0.5, 0, extent - 1);
        var from = (int)exact;
        return (start + from, start + Math.Min(from + 1, extent - 1), (float)(exact - from));
    }

    // Inside the region only; interpolation reaches one pixel further.
    private static Tensor Region(Tensor region, int perLatent)
    {
        var pixels = Upscaled(region, perLatent);
        var inner = Neighborhood.Min(pixels, 1);
        var wide = Softened(inner, perLatent / 2);
        // The edge of a part one latent position wide is narrow enough for the edit to show in its middle.
        var thin = Neighborhood.Mean(Neighborhood.Max(Upscaled(Thin(region), perLatent), perLatent / 2), perLatent / 2);
        return maximum(wide, Softened(inner, Math.Max(0, (perLatent - 3) / 2)) * thin) * inner;

        // A straight edge is ½ after the mean; the half inside is stretched to the full range.
        static Tensor Softened(Tensor inner, int radius) =>
            Neighborhood.Ease(Neighborhood.Mean(inner, radius).mul(Scalar(2)).sub(Scalar(1)).clamp(Scalar(0), Scalar(1)));
    }

    private static Tensor Upscaled(Tensor region, int perLatent) => region.ne(Scalar(0)).to(ScalarType.Float32).repeat_interleave(perLatent, 0).repeat_interleave(perLatent, 1);

    // The positions of a region that no square of 2×2 in it covers. The region continues beyond the borders.
    private static Tensor Thin(Tensor region)
    {
        var inside = region.ne(Scalar(0)).to(ScalarType.Float32);
        var padded = nn.functional.pad(inside.unsqueeze(0).unsqueeze(0), [1, 1, 1, 1], TorchSharp.PaddingModes.Replicate);
        var squares = nn.functional.max_pool2d(padded.neg(), [2, 2], [1, 1]).neg();
        return inside - nn.functional.max_pool2d(squares, [2, 2], [1, 1]).squeeze(0).squeeze(0);
    }

    private static Tensor Border(Framing framing)
    {
        var (region, place) = (framing.Region, framing.Place);
        var fade = BorderShare * Math.Min(place.Width, place.Height);
        var across = Side(framing.Framed.Width, place.X, place.Width, region.X > 0, region.X + region.Width < framing.Original.Width);
        var down = Side(framing.Framed.Height, place.Y, place.Height, region.Y > 0, region.Y + region.Height < framing.Original.Height);
        return down.unsqueeze(1) * across.unsqueeze(0);

        Tensor Side(int length, int start, int extent, bool cutsBefore, bool cutsAfter)
        {
            var opacities = new float[length];
            for (var i = 0; i < length; i++)
            {
                var (before, after) = (cutsBefore ? i - start : double.PositiveInfinity, cutsAfter ? start + extent - 1 - i : double.PositiveInfinity);
                opacities[i] = (float)Math.Clamp(Math.Min(before, after) / fade, 0, 1);
            }

            return Neighborhood.Ease(tensor(opacities, device: CPU));
        }
    }
}
