using System.Numerics;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Editing.Compositing;

/// <summary>
/// The opacity of new content through a black-and-white mask (<see cref="Mask"/>), one value from 0 to 255 per pixel: 0 outside the mask, soft edges inside.
/// </summary>
internal static class MaskOpacity
{
    // A narrower edge is not soft.
    private const double MinFeather = 0.5;

    /// <summary>Computes opacities that rise to 255 within a number of pixels of the mask's edge.</summary>
    /// <param name="mask">A black-and-white mask.</param>
    /// <param name="feather">Width of the soft edge in pixels.</param>
    /// <param name="cancellationToken">Stops before the next row: a wide edge of a large mask takes long.</param>
    /// <returns>One value per pixel, row-major.</returns>
    /// <exception cref="InvalidInputException">The soft edge is wider than the mask.</exception>
    public static byte[] Of(Image mask, double feather, CancellationToken cancellationToken = default) => Find(mask, feather, cancellationToken)
        ?? throw new InvalidInputException(FormattableString.Invariant($"A feather of {feather} pixels is wider than the mask. Use a smaller value."));

    /// <summary>Computes opacities with a soft edge as wide as the model's masks are coarse, or narrower if the mask is thin.</summary>
    /// <param name="mask">A black-and-white mask of the original.</param>
    /// <param name="framing">The original's framing.</param>
    /// <param name="perLatent">Pixels of the framed image per latent position.</param>
    /// <param name="cancellationToken">Stops before the next row.</param>
    /// <returns>One value per pixel, row-major.</returns>
    /// <exception cref="InvalidInputException">The mask is black.</exception>
    public static byte[] Of(Image mask, Framing framing, int perLatent, CancellationToken cancellationToken = default)
    {
        // A latent position may change if half of its pixels may.
        for (var feather = perLatent / 2.0 * framing.Region.Width / framing.Place.Width; feather >= MinFeather; feather /= 2)
        {
            if (Find(mask, feather, cancellationToken) is { } opacities)
                return opacities;
        }

        return Find(mask, feather: 0, cancellationToken) ?? throw new InvalidInputException("The mask is black everywhere. Paint it white where the image may change.");
    }

    // Null if no pixel is visible.
    private static byte[]? Find(Image mask, double feather, CancellationToken cancellationToken)
    {
        var opacities = new byte[mask.Width * mask.Height];
        for (var i = 0; i < opacities.Length; i++)
            opacities[i] = mask.Rgb[3 * i];
        if (feather > 0)
            Soften(opacities, mask.Width, feather / 2, cancellationToken);
        return opacities.AsSpan().ContainsAnyExcept((byte)0) ? opacities : null;
    }

    // A Gaussian blur that repeats border pixels. A straight edge then has the value ½; values above it lie inside and are stretched to the
    // full range. Memory holds only as many rows as the blur spans.
    private static void Soften(byte[] opacities, int width, double sigma, CancellationToken cancellationToken)
    {
        var height = opacities.Length / width;
        var radius = (int)Math.Ceiling(3 * sigma);
        float[] weights = [.. Enumerable.Range(-radius, (2 * radius) + 1).Select(i => (float)Math.Exp(-0.5 * (i / sigma) * (i / sigma)))];
        var sum = weights.Sum();
        weights = [.. weights.Select(weight => weight / sum / byte.MaxValue)];
        var across = new float[weights.Length][];
        var padded = new float[width + (2 * radius)];
        var blurred = new float[width];
        var next = 0;
        for (var y = 0; y < height; y++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Rows are blurred horizontally before their opacities are overwritten, and overwritten once no other row needs them.
            for (; next <= Math.Min(y + radius, height - 1); next++)
            {
                // The first row needs many.
                cancellationToken.ThrowIfCancellationRequested();
                across[next % weights.Length] = Across(opacities.AsSpan(next * width, width), across[next % weights.Length] ?? new float[width]);
            }

            var row = opacities.AsSpan(y * width, width);
            if (!row.ContainsAnyExcept((byte)0))
                continue;
            blurred.AsSpan().Clear();
            for (var k = 0; k < weights.Length; k++)
                Add(blurred, across[Math.Clamp(y + k - radius, 0, height - 1) % weights.Length], weights[k] * byte.MaxValue);
            for (var x = 0; x < width; x++)
                row[x] = row[x] == 0 ? (byte)0 : (byte)Math.Round(byte.MaxValue * Math.Clamp((2 * blurred[x]) - 1, 0, 1));
        }

        float[] Across(ReadOnlySpan<byte> row, float[] result)
        {
            for (var x = 0; x < padded.Length; x++)
                padded[x] = row[Math.Clamp(x - radius, 0, width - 1)];
            result.AsSpan().Clear();
            for (var k = 0; k < weights.Length; k++)
                Add(result, padded.AsSpan(k, width), weights[k]);
            return result;
        }
    }

    private static void Add(Span<float> sums, ReadOnlySpan<float> values, float weight)
    {
        var i = 0;
        for (; i + Vector<float>.Count <= sums.Length; i += Vector<float>.Count)
            (new Vector<float>(sums[i..]) + (new Vector<float>(values[i..]) * weight)).CopyTo(sums[i..]);
        for (; i < sums.Length; i++)
            sums[i] += values[i] * weight;
    }
}
