namespace PromptToPrompt.Diffusion.Images;

/// <summary>
/// Antialiased bicubic resizing (Keys 1981, a = −1/2): the kernel widens when an image shrinks, so that every pixel contributes.
/// Fixed-point weights and rounding between the two passes reproduce Pillow's output byte for byte; published code resizes with Pillow.
/// </summary>
internal static class BicubicResampler
{
    private const double Sharpness = -0.5;
    private const double Reach = 2;

    // 32 bits, minus 8 for the pixels and 2 for the kernel's overshoot.
    private const int FractionBits = 22;
    private const int Half = 1 << (FractionBits - 1);

    /// <summary>Resizes a part of an image.</summary>
    public static Image Resize(Image image, PixelBox part, int width, int height)
    {
        if (part == PixelRectangle.Whole(new(width, height)) && image.Size == new PixelSize(width, height))
            return image;
        var resized = new Image(width, height, new byte[width * height * Image.Channels]);
        Resize(image, part, resized, PixelRectangle.Whole(resized.Size));
        return resized;
    }

    /// <summary>Resizes a part of an image into a rectangle of another image.</summary>
    public static void Resize(Image image, PixelBox part, Image target, PixelRectangle place)
    {
        var down = Taps.Of(part.Y, part.Height, place.Height, image.Height);
        // Only rows that contribute are resized horizontally.
        var first = down[0].First;
        var rows = down[^1].First + down[^1].Weights.Length - first;
        var across = Across(image, Taps.Of(part.X, part.Width, place.Width, image.Width), first, rows);
        Down(across, down, first, target, place);
    }

    private static Image Across(Image image, Taps[] taps, int first, int rows)
    {
        var result = new byte[taps.Length * rows * Image.Channels];
        Parallel.For(0, rows, y => Across(image.Row(first + y), taps, result.AsSpan(y * taps.Length * Image.Channels)));
        return new Image(taps.Length, rows, result);
    }

    /// <summary>Resizes a row.</summary>
    internal static void Across(ReadOnlySpan<byte> row, Taps[] taps, Span<byte> result)
    {
        var target = 0;
        foreach (var tap in taps)
        {
            int red = Half, green = Half, blue = Half;
            var source = tap.First * Image.Channels;
            foreach (var weight in tap.Weights)
            {
                red += row[source++] * weight;
                green += row[source++] * weight;
                blue += row[source++] * weight;
            }

            result[target++] = ToByte(red);
            result[target++] = ToByte(green);
            result[target++] = ToByte(blue);
        }
    }

    /// <summary>Resizes an image's columns into a rectangle of another image.</summary>
    /// <param name="image">The image, whose rows are resized already.</param>
    /// <param name="taps">The rows of each resized row.</param>
    /// <param name="first">The first of its rows among those that the taps count.</param>
    /// <param name="target">The other image.</param>
    /// <param name="place">The rectangle.</param>
    internal static void Down(Image image, Taps[] taps, int first, Image target, PixelRectangle place) => Parallel.For(
        0,
        place.Height,
        () => new int[place.Width * Image.Channels],
        (y, _, sums) =>
        {
            Array.Fill(sums, Half);
            for (var k = 0; k < taps[y].Weights.Length; k++)
            {
                var row = image.Row(taps[y].First - first + k);
                var weight = taps[y].Weights[k];
                for (var i = 0; i < sums.Length; i++)
                    sums[i] += row[i] * weight;
            }

            var resized = target.Rgb.AsSpan((((place.Y + y) * target.Width) + place.X) * Image.Channels, sums.Length);
            for (var i = 0; i < sums.Length; i++)
                resized[i] = ToByte(sums[i]);
            return sums;
        },
        _ => { });

    private static byte ToByte(int sum) => (byte)Math.Clamp(sum >> FractionBits, byte.MinValue, byte.MaxValue);

    /// <summary>The source pixels of one resized pixel along one direction, with their fixed-point weights.</summary>
    internal readonly record struct Taps(int First, int[] Weights)
    {
        /// <summary>The taps of each resized pixel along one side of a part.</summary>
        /// <param name="start">Start of the part.</param>
        /// <param name="extent">Length of the part.</param>
        /// <param name="to">Resized length.</param>
        /// <param name="length">Length of the whole side.</param>
        public static Taps[] Of(double start, double extent, int to, int length)
        {
            var step = extent / to;
            var widening = Math.Max(step, 1);
            // Pixels outside the part do not contribute. Counting from its first pixel makes the result equal, to the last bit, to that of
            // a cropped image.
            var skipped = Math.Clamp((int)start, 0, length - 1);
            var inside = Math.Clamp((int)Math.Ceiling(start + extent) - skipped, 1, length - skipped);
            return [.. Enumerable.Range(0, to).Select(i => At(start - skipped + ((i + 0.5) * step), widening, inside) is var tap ? tap with { First = tap.First + skipped } : tap)];
        }

        private static Taps At(double center, double widening, int length)
        {
            var first = Math.Min(Math.Max((int)(center - (Reach * widening) + 0.5), 0), length - 1);
            var end = Math.Max(Math.Min((int)(center + (Reach * widening) + 0.5), length), first + 1);
            double[] weights = [.. Enumerable.Range(first, end - first).Select(i => Kernel((i - center + 0.5) / widening))];
            var sum = weights.Sum();
            return new Taps(first, [.. weights.Select(weight => (int)Math.Round(weight / sum * (1 << FractionBits), MidpointRounding.AwayFromZero))]);
        }

        private static double Kernel(double distance)
        {
            var x = Math.Abs(distance);
            return x switch
            {
                < 1 => ((((Sharpness + 2) * x) - (Sharpness + 3)) * x * x) + 1,
                < Reach => ((((x - 5) * x) + 8) * x - 4) * Sharpness,
                _ => 0,
            };
        }
    }
}
