namespace PromptToPrompt.Diffusion.Imaging;

/// <summary>
/// Antialiased bicubic resizing (Keys 1981, a = −1/2): when a picture shrinks, the kernel widens with it, so that every pixel counts. Fixed-point
/// weights and a rounded picture between the two passes give the very bytes that Pillow gives, which is what published code resizes with.
/// </summary>
internal static class BicubicResampler
{
    private const double Sharpness = -0.5;
    private const double Reach = 2;

    // 32 bits less 8 of the pixels and 2 for the kernel's overshoot.
    private const int FractionBits = 22;
    private const int Half = 1 << (FractionBits - 1);

    public static Picture Resize(Picture picture, int width, int height)
    {
        var resized = picture.Width == width ? picture : Across(picture, width);
        return picture.Height == height ? resized : Down(resized, height);
    }

    private static Picture Across(Picture picture, int width)
    {
        var taps = Taps.Of(picture.Width, width);
        var result = new byte[width * picture.Height * Picture.Channels];
        var target = 0;
        for (var y = 0; y < picture.Height; y++)
        {
            var row = picture.Row(y);
            for (var x = 0; x < width; x++)
            {
                int red = Half, green = Half, blue = Half;
                var source = taps[x].First * Picture.Channels;
                foreach (var weight in taps[x].Weights)
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

        return new Picture(width, picture.Height, result);
    }

    private static Picture Down(Picture picture, int height)
    {
        var taps = Taps.Of(picture.Height, height);
        var stride = picture.Width * Picture.Channels;
        var result = new byte[stride * height];
        var sums = new int[stride];
        for (var y = 0; y < height; y++)
        {
            Array.Fill(sums, Half);
            for (var k = 0; k < taps[y].Weights.Length; k++)
            {
                var row = picture.Row(taps[y].First + k);
                var weight = taps[y].Weights[k];
                for (var i = 0; i < sums.Length; i++)
                    sums[i] += row[i] * weight;
            }

            for (var i = 0; i < sums.Length; i++)
                result[(y * stride) + i] = ToByte(sums[i]);
        }

        return new Picture(picture.Width, height, result);
    }

    private static byte ToByte(int sum) => (byte)Math.Clamp(sum >> FractionBits, byte.MinValue, byte.MaxValue);

    /// <summary>The pixels that make up one resized pixel along one direction, and their fixed-point weights.</summary>
    private readonly record struct Taps(int First, int[] Weights)
    {
        public static Taps[] Of(int from, int to)
        {
            var step = (double)from / to;
            var widening = Math.Max(step, 1);
            return [.. Enumerable.Range(0, to).Select(i => At((i + 0.5) * step, widening, from))];
        }

        private static Taps At(double centre, double widening, int length)
        {
            var first = Math.Max((int)(centre - (Reach * widening) + 0.5), 0);
            var end = Math.Min((int)(centre + (Reach * widening) + 0.5), length);
            double[] weights = [.. Enumerable.Range(first, end - first).Select(i => Kernel((i - centre + 0.5) / widening))];
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
