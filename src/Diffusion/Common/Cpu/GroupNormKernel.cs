using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;
using Lane = System.Runtime.Intrinsics.Vector512<float>;

namespace PromptToPrompt.Diffusion.Common.Cpu;

/// <summary>
/// Group normalization of maps with their channels last, with SiLU in the same pass. On such maps libtorch's kernel takes up to ten times
/// as long as on maps in its own order (groups of few channels), and loses up to three digits (large maps).
/// </summary>
internal static unsafe class GroupNormKernel
{
    // Positions whose sums are taken in float32 before they are added in float64.
    private const int Block = 256;

    // Positions, spread over the map, whose mean is about that of a channel.
    private const int Samples = 256;

    /// <summary>Whether this kernel can normalize the map, and the map has its channels last.</summary>
    /// <inheritdoc cref="Apply"/>
    public static bool Suits(Tensor x, Tensor weight, Tensor bias, long groups) =>
        x.dim() == 4 && x.numel() > 0 && x.shape[1] % ChannelsLast.Lanes == 0 && x.shape[1] % groups == 0 && ChannelsLast.Suits(x, weight, bias) && !ChannelsLast.NeedsGradient(weight, bias) && ChannelsLast.IsMap(x);

    /// <summary>
    /// (x − mean) / √(variance + ε) · weight + bias with the mean and variance of each group of channels; then x·σ(x) on request. Differentiable
    /// with respect to x.
    /// </summary>
    /// <param name="x">[B, C, H, W], channels last.</param>
    /// <param name="weight">[C].</param>
    /// <param name="bias">[C].</param>
    /// <param name="groups">Number of groups of adjacent channels.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="silu">Whether to activate the result.</param>
    /// <returns>[B, C, H, W], channels last.</returns>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor bias, int groups, double epsilon, bool silu)
    {
        var norm = new Norm(weight.data<float>().ToArray(), bias.data<float>().ToArray(), groups, epsilon, silu);
        if (ChannelsLast.NeedsGradient(x))
            return Differentiable.apply(x, norm);
        using var scope = NewDisposeScope();
        var map = new Map(x);
        return Normalize(map, norm, Affine.Of(Measure(map, norm), norm)).MoveToOuterDisposeScope();
    }

    // Normalizes the map and activates it on request; or, with the gradient of the activated map, returns that before the activation y·σ(y),
    // whose slope is σ(y)·(1 + y·(1 − σ(y))).
    private static Tensor Normalize(Map map, Norm norm, Affine affine, Map? gradient = null)
    {
        var result = map.Empty();
        var to = ChannelsLast.Floats(result);
        var slopes = gradient is null ? null : gradient.Values;
        ChannelsLast.Split(map.Rows * map.Positions, 3L * map.Channels, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (start, end) =>
        {
            fixed (float* scale = affine.Scales, shift = affine.Shifts)
            {
                for (var position = start; position < end; position++)
                {
                    var (line, row) = ((long)position * map.Channels, position / map.Positions * map.Channels);
                    for (var c = 0; c < map.Channels; c += ChannelsLast.Lanes)
                    {
                        var value = (Vector512.Load(map.Values + line + c) * Vector512.Load(scale + row + c)) + Vector512.Load(shift + row + c);
                        if (norm.Silu)
                        {
                            var sigmoid = Sigmoid(value);
                            value = slopes == null ? value * sigmoid : Vector512.Load(slopes + line + c) * sigmoid * (Lane.One + (value * (Lane.One - sigmoid)));
                        }

                        value.Store(to + line + c);
                    }
                }
            }
        });
        return result;
    }

    // With x̂ = (x − mean)/σ and g = gradient · weight: (g − the group's mean of g − x̂ · the group's mean of g·x̂)/σ.
    private static Tensor Backward(Map map, Map slopes, Norm norm, Statistics statistics)
    {
        var (sums, products) = Sum(map, slopes.Values);
        var (scales, factors, shifts) = (new float[sums.Length], new float[sums.Length], new float[sums.Length]);
        var width = map.Channels / norm.Groups;
        for (var first = 0; first < sums.Length; first += width)
        {
            var (mean, deviation) = (statistics.Means[first], statistics.Deviations[first]);
            var (meanG, meanProduct) = (0.0, 0.0);
            for (var i = first; i < first + width; i++)
            {
                var weight = norm.Weights[i % map.Channels] / ((double)width * map.Positions);
                meanG += weight * sums[i];
                meanProduct += weight * (products[i] + ((map.Pivots[i] - mean) * sums[i])) / deviation;
                scales[i] = (float)(norm.Weights[i % map.Channels] / deviation);
            }

            var factor = meanProduct / (deviation * deviation);
            Array.Fill(factors, (float)factor, first, width);
            Array.Fill(shifts, (float)((meanG / deviation) - (mean * factor)), first, width);
        }

        var result = map.Empty();
        var to = ChannelsLast.Floats(result);
        ChannelsLast.Split(map.Rows * map.Positions, 3L * map.Channels, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (start, end) =>
        {
            fixed (float* scale = scales, factor = factors, shift = shifts)
            {
                for (var position = start; position < end; position++)
                {
                    var (line, row) = ((long)position * map.Channels, position / map.Positions * map.Channels);
                    for (var c = 0; c < map.Channels; c += ChannelsLast.Lanes)
                    {
                        var (value, slope) = (Vector512.Load(map.Values + line + c), Vector512.Load(slopes.Values + line + c));
                        ((slope * Vector512.Load(scale + row + c)) - (value * Vector512.Load(factor + row + c)) - Vector512.Load(shift + row + c)).Store(to + line + c);
                    }
                }
            }
        });
        return result;
    }

    // Mean and √(variance + ε) of each group.
    private static Statistics Measure(Map map, Norm norm)
    {
        var (sums, squares) = Sum(map, factors: null);
        var (means, deviations, width) = (new double[sums.Length], new double[sums.Length], map.Channels / norm.Groups);
        for (var first = 0; first < sums.Length; first += width)
        {
            // The squared deviations of each channel from its own mean, then those of the channels' means from the group's.
            var (mean, total) = (0.0, 0.0);
            for (var i = first; i < first + width; i++)
            {
                means[i] = map.Pivots[i] + (sums[i] / map.Positions);
                mean += means[i] / width;
                total += squares[i] - (sums[i] * sums[i] / map.Positions);
            }

            for (var i = first; i < first + width; i++)
                total += (means[i] - mean) * (means[i] - mean) * map.Positions;
            Array.Fill(means, mean, first, width);
            Array.Fill(deviations, Math.Sqrt((total / width / map.Positions) + norm.Epsilon), first, width);
        }

        return new Statistics(means, deviations);
    }

    // Σ f and Σ f·d over the positions of each channel of each row, where d is the value less the channel's pivot, so that a large mean does not
    // cancel digits; f are the given factors, or d. The order of addition is the same on any number of threads.
    private static (double[] Sums, double[] Products) Sum(Map map, float* factors)
    {
        var (channels, blocks) = (map.Channels, (map.Positions + Block - 1) / Block);
        var (blockSums, blockProducts) = (new float[map.Rows * blocks * channels], new float[map.Rows * blocks * channels]);
        ChannelsLast.Split(map.Rows * blocks, (long)Block * channels, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (start, end) =>
        {
            fixed (float* firstSum = blockSums, firstProduct = blockProducts, pivots = map.Pivots)
            {
                for (var block = start; block < end; block++)
                {
                    var (row, first) = (block / blocks, block % blocks * Block);
                    var pivot = pivots + (row * channels);
                    var sum = firstSum + ((long)block * channels);
                    var product = firstProduct + ((long)block * channels);
                    var line = (((long)row * map.Positions) + first) * channels;
                    for (var i = Math.Min(Block, map.Positions - first); i > 0; i--, line += channels)
                    {
                        for (var c = 0; c < channels; c += ChannelsLast.Lanes)
                        {
                            var value = Vector512.Load(map.Values + line + c) - Vector512.Load(pivot + c);
                            var factor = factors == null ? value : Vector512.Load(factors + line + c);
                            (Vector512.Load(sum + c) + factor).Store(sum + c);
                            (Vector512.Load(product + c) + (factor * value)).Store(product + c);
                        }
                    }
                }
            }
        });

        var (sums, products) = (new double[map.Rows * channels], new double[map.Rows * channels]);
        for (var block = 0; block < map.Rows * blocks; block++)
        {
            var row = block / blocks * channels;
            for (var c = 0; c < channels; c++)
            {
                sums[row + c] += blockSums[(block * channels) + c];
                products[row + c] += blockProducts[(block * channels) + c];
            }
        }

        return (sums, products);
    }

    // 1/(1 + e⁻ˣ) with eʸ = 2ⁿ·eʳ, |r| ≤ ln 2 / 2, and a polynomial for eʳ (Cephes' expf), to the last digit of a float. .NET's exponential
    // is more exact and takes four times as long.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lane Sigmoid(Lane x)
    {
        // Beyond, 2ⁿ would leave the exponent's range, and the result is 0 or 1 to the last digit.
        var y = Vector512.Min(Vector512.Max(-x, Vector512.Create(-87f)), Vector512.Create(88f));
        var n = Vector512.Round(y * 1.44269504f);
        var r = y - (n * 0.693359375f) - (n * -2.12194440e-4f);
        var p = (r * 1.9875691500e-4f) + Vector512.Create(1.3981999507e-3f);
        p = (p * r) + Vector512.Create(8.3334519073e-3f);
        p = (p * r) + Vector512.Create(4.1665795894e-2f);
        p = (p * r) + Vector512.Create(1.6666665459e-1f);
        p = (p * r) + Vector512.Create(5.0000001201e-1f);
        var power = Vector512.ShiftLeft(Vector512.ConvertToInt32(n) + Vector512.Create(127), 23).AsSingle();
        return Lane.One / (Lane.One + (((p * r * r) + r + Lane.One) * power));
    }

    /// <summary>A map's memory, [B, H·W, C].</summary>
    private sealed class Map
    {
        // The tensor keeps the memory alive.
        private readonly Tensor pixels;
        private readonly long[] shape;
        private float[]? pivots;

        public Map(Tensor x)
        {
            shape = x.shape;
            pixels = ChannelsLast.Pixels(x);
            (Rows, Positions, Channels) = ((int)x.shape[0], (int)(x.shape[2] * x.shape[3]), (int)x.shape[1]);
            Values = ChannelsLast.Floats(pixels);
        }

        public int Rows { get; }

        public int Positions { get; }

        public int Channels { get; }

        public float* Values { get; }

        /// <summary>
        /// A number near the mean of each channel of each row: the mean of some positions. A single one, such as the first, could be an outlier.
        /// </summary>
        public float[] Pivots => pivots ??= FindPivots();

        /// <summary>A new map of this shape.</summary>
        public Tensor Empty() => ChannelsLast.Empty(shape[0], shape[1], shape[2], shape[3]);

        private float[] FindPivots()
        {
            var (found, samples) = (new float[Rows * Channels], Math.Min(Positions, Samples));
            for (var row = 0; row < Rows; row++)
            {
                for (var sample = 0; sample < samples; sample++)
                {
                    var line = Values + ((((long)row * Positions) + ((long)Positions * sample / samples)) * Channels);
                    for (var c = 0; c < Channels; c++)
                        found[(row * Channels) + c] += line[c] / samples;
                }
            }

            return found;
        }
    }

    private sealed record Norm(float[] Weights, float[] Biases, int Groups, double Epsilon, bool Silu);

    // Of each channel of each row; equal within a group.
    private sealed record Statistics(double[] Means, double[] Deviations);

    // The normalization as one product and one sum for each channel of each row.
    private sealed record Affine(float[] Scales, float[] Shifts)
    {
        public static Affine Of(Statistics statistics, Norm norm)
        {
            var (scales, shifts) = (new float[statistics.Means.Length], new float[statistics.Means.Length]);
            for (var i = 0; i < scales.Length; i++)
            {
                var scale = norm.Weights[i % norm.Weights.Length] / statistics.Deviations[i];
                scales[i] = (float)scale;
                shifts[i] = (float)(norm.Biases[i % norm.Biases.Length] - (statistics.Means[i] * scale));
            }

            return new Affine(scales, shifts);
        }
    }

    /// <summary>The normalization as a node of an autograd graph. Weight and bias are frozen.</summary>
    private sealed class Differentiable : autograd.SingleTensorFunction<Differentiable>
    {
        public override string Name => nameof(GroupNormKernel);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            using var scope = NewDisposeScope();
            var (x, norm) = ((Tensor)vars[0], (Norm)vars[1]);
            var map = new Map(x);
            var statistics = Measure(map, norm);
            ctx.save_for_backward([x]);
            ctx.save_data(nameof(Norm), norm);
            ctx.save_data(nameof(Statistics), statistics);
            return Normalize(map, norm, Affine.Of(statistics, norm)).MoveToOuterDisposeScope();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using var scope = NewDisposeScope();
            var (norm, statistics) = ((Norm)ctx.get_data(nameof(Norm)), (Statistics)ctx.get_data(nameof(Statistics)));
            var (map, gradient) = (new Map(ctx.get_saved_variables()[0]), new Map(grad_output));
            grad_output.Dispose();
            if (norm.Silu)
                gradient = new Map(Normalize(map, norm, Affine.Of(statistics, norm), gradient));
            return [Backward(map, gradient, norm, statistics).MoveToOuterDisposeScope(), null!];
        }
    }
}
