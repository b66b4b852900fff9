using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using PromptToPrompt.Diffusion.Native;
using TorchSharp;
using static TorchSharp.torch;
using Lane = System.Runtime.Intrinsics.Vector512<float>;

namespace PromptToPrompt.Diffusion.Common.Cpu;

/// <summary>
/// 3×3 convolution by Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, arXiv 1509.09308): a tile of 4×4 outputs takes 36 products
/// per pair of channels instead of 144. Half of a U-Net's time and most of an autoencoder's goes into such convolutions.
/// </summary>
/// <remarks>
/// A tile of the result is Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A with the kernel g and a patch d of 6×6 inputs; summed over input channels, ⊙ is a matrix
/// product for each of the 36 places. The paper interpolates at 0, ±1, ±2, ∞. Here it is 0, ±√½, ±√2, ∞, whose transforms are better
/// conditioned: the error is about five times that of a direct convolution in float32, 1e-6 of the outputs' standard deviation for inputs of
/// one magnitude. It is relative to the largest input of a patch.
/// </remarks>
internal static unsafe class WinogradConvolution
{
    private const int Side = 4;
    private const int PatchSide = 6;
    private const int Places = PatchSide * PatchSide;
    private const int KernelSide = 3;
    private const float Root = 1.41421356f;

    // Enough tiles for a product near the full rate; few enough for its operands to stay in the last-level cache.
    private const int MaxTiles = 256;

    // Transformed kernels take four times the memory of the kernels, so those of a large layer are made some output channels at a time.
    private const long MaxKernelBytes = 64L << 20;

    // The kernels are transformed for each call: for maps with fewer tiles, that takes longer than the products save. The rows of the batch do
    // not count, so that a row's result does not depend on them.
    private const int MinTiles = 16;

    /// <summary>Whether this class can compute the convolution, and faster than libtorch.</summary>
    /// <param name="x">[B, inputs, H, W].</param>
    /// <param name="kernel">[outputs, inputs, k, k].</param>
    /// <param name="bias">[outputs]; null for none.</param>
    /// <param name="stride">Step between positions, in pixels.</param>
    /// <param name="padding">Zeros around the image, in pixels.</param>
    public static bool Suits(Tensor x, Tensor kernel, Tensor? bias, long stride, long padding)
    {
        if (stride != 1 || padding != 1 || !ChannelsLast.Suits(x, bias) || kernel.device_type != DeviceType.CPU || ChannelsLast.NeedsGradient(kernel) || !kernel.is_contiguous())
            return false;
        var (map, shape) = (x.shape, kernel.shape);
        return map.Length == 4 && map[0] > 0 && TilesAlong(map[2]) * TilesAlong(map[3]) >= MinTiles
            && shape[2] == KernelSide && shape[3] == KernelSide && shape[0] % ChannelsLast.Lanes == 0 && shape[1] % ChannelsLast.Lanes == 0
            && shape[1] == map[1] && (bias is null || bias.numel() == shape[0]);
    }

    /// <summary>Convolves a batch with stride 1 and one pixel of zeros around it. Differentiable with respect to the batch and the bias.</summary>
    /// <param name="x">[B, inputs, H, W].</param>
    /// <param name="kernel">[outputs, inputs, 3, 3].</param>
    /// <param name="bias">[outputs]; null for none.</param>
    /// <returns>[B, outputs, H, W], channels last.</returns>
    public static Tensor Apply(Tensor x, Tensor kernel, Tensor? bias)
    {
        if (bias is not null && ChannelsLast.NeedsGradient(bias))
        {
            // The same sum as below: a pass that recomputes activations for a gradient must arrive at the same ones.
            using var scope = NewDisposeScope();
            return Apply(x, kernel, bias: null).Plus(bias.view(1, -1, 1, 1)).MoveToOuterDisposeScope();
        }

        var weights = new Weights(kernel, bias);
        return ChannelsLast.NeedsGradient(x) ? Differentiable.apply(x, weights) : Convolve(x, weights, isGradient: false);
    }

    // The gradient of a convolution is one of the output's gradient, with the kernels turned around and inputs and outputs exchanged.
    private static Tensor Convolve(Tensor x, Weights weights, bool isGradient)
    {
        using var scope = NewDisposeScope();
        var pixels = ChannelsLast.Pixels(x);
        var kernel = weights.Kernel.to(ScalarType.Float32);
        var (inputs, outputs) = ((int)x.shape[1], (int)kernel.shape[isGradient ? 1 : 0]);
        var grid = new Grid((int)x.shape[0], (int)x.shape[2], (int)x.shape[3]);
        var result = ChannelsLast.Empty(x.shape[0], outputs, x.shape[2], x.shape[3]);
        var addends = isGradient ? null : weights.Bias?.contiguous();

        var kernelStep = (int)Math.Max(ChannelsLast.Lanes, MaxKernelBytes / sizeof(float) / Places / inputs / ChannelsLast.Lanes * ChannelsLast.Lanes);
        var whole = kernelStep >= outputs ? TransformKernels(kernel, 0, outputs, isGradient) : null;
        var tileStep = Balanced(grid.Tiles, MaxTiles);
        for (var tile = 0; tile < grid.Tiles; tile += tileStep)
        {
            using var patches = TransformPatches(pixels, grid, tile, Math.Min(tileStep, grid.Tiles - tile));
            for (var output = 0; output < outputs; output += kernelStep)
            {
                using var some = whole is null ? TransformKernels(kernel, output, Math.Min(kernelStep, outputs - output), isGradient) : null;
                using var products = bmm(patches, whole ?? some!);
                TransformProducts(products, addends, result, grid, tile, output);
            }
        }

        return result.MoveToOuterDisposeScope();
    }

    private static long TilesAlong(long side) => (side + Side - 1) / Side;

    // Steps of equal length, so that the last one is not a remnant.
    private static int Balanced(int count, int max) => (count + ((count + max - 1) / max) - 1) / ((count + max - 1) / max);

    // G g Gᵀ: [outputs, inputs, 3, 3] → [36, inputs, some outputs], or turned around for the gradient → [36, outputs, some inputs].
    private static Tensor TransformKernels(Tensor kernel, int first, int count, bool isGradient)
    {
        var inputs = (int)kernel.shape[1];
        var (firstOutput, outputs) = isGradient ? (0, (int)kernel.shape[0]) : (first, count);
        var (firstInput, width) = isGradient ? (first, count) : (0, inputs);
        var result = empty(Places, outputs, width, dtype: ScalarType.Float32, device: CPU);
        var from = ChannelsLast.Floats(kernel);
        var to = ChannelsLast.Floats(result);
        // Turned around, the taps are read from the last to the first.
        var (start, tap) = isGradient ? ((KernelSide * KernelSide) - 1, -1) : (0, 1);
        ChannelsLast.Split(outputs, (long)Places * width, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (begin, end) =>
        {
            var columns = stackalloc Lane[PatchSide * KernelSide];
            var row = stackalloc Lane[PatchSide];
            for (var output = begin; output < end; output++)
            {
                for (var input = 0; input < width; input += ChannelsLast.Lanes)
                {
                    var g = from + ((((long)(firstOutput + output) * inputs) + firstInput + input) * KernelSide * KernelSide) + start;
                    for (var x = 0; x < KernelSide; x++)
                        Evaluate(Tap(g + (tap * x)), Tap(g + (tap * (KernelSide + x))), Tap(g + (tap * ((2 * KernelSide) + x))), columns + x, KernelSide);
                    var place = to + ((long)output * width) + input;
                    for (var y = 0; y < PatchSide; y++)
                    {
                        var column = columns + (y * KernelSide);
                        Evaluate(column[0], column[1], column[2], row, 1);
                        for (var x = 0; x < PatchSide; x++, place += (long)outputs * width)
                            row[x].Store(place);
                    }
                }
            }
        });
        if (isGradient)
            return result;
        using (result)
            return result.transpose(1, 2);
    }

    // The same tap of the kernels of adjacent input channels.
    private static Lane Tap(float* g) => Vector512.Create(
        g[0], g[9], g[18], g[27], g[36], g[45], g[54], g[63], g[72], g[81], g[90], g[99], g[108], g[117], g[126], g[135]);

    // Bᵀ d B: [B, H, W, inputs] → [36, count, inputs].
    private static Tensor TransformPatches(Tensor pixels, Grid grid, int first, int count)
    {
        var inputs = (int)pixels.shape[3];
        var result = empty(Places, count, inputs, dtype: ScalarType.Float32, device: CPU);
        using var border = zeros(inputs, dtype: ScalarType.Float32, device: CPU);
        var from = ChannelsLast.Floats(pixels);
        var to = ChannelsLast.Floats(result);
        var outside = ChannelsLast.Floats(border);
        ChannelsLast.Split(count, (long)Places * inputs, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (start, end) =>
        {
            var patch = stackalloc Lane[Places];
            var sources = stackalloc float*[Places];
            for (var tile = start; tile < end; tile++)
            {
                var (row, top, left) = grid.Tile(first + tile);
                for (var i = 0; i < Places; i++)
                {
                    var (y, x) = (top - 1 + (i / PatchSide), left - 1 + (i % PatchSide));
                    var isInside = y >= 0 && y < grid.Height && x >= 0 && x < grid.Width;
                    sources[i] = isInside ? from + (((((long)row * grid.Height) + y) * grid.Width) + x) * inputs : outside;
                }

                var place = to + ((long)tile * inputs);
                for (var input = 0; input < inputs; input += ChannelsLast.Lanes)
                {
                    for (var x = 0; x < PatchSide; x++)
                    {
                        var column = sources + x;
                        Interpolate(
                            Vector512.Load(column[0] + input), Vector512.Load(column[PatchSide] + input), Vector512.Load(column[2 * PatchSide] + input),
                            Vector512.Load(column[3 * PatchSide] + input), Vector512.Load(column[4 * PatchSide] + input), Vector512.Load(column[5 * PatchSide] + input),
                            patch + x, PatchSide);
                    }

                    var target = place + input;
                    for (var y = 0; y < PatchSide; y++)
                    {
                        var line = patch + (y * PatchSide);
                        Interpolate(line[0], line[1], line[2], line[3], line[4], line[5], line, 1);
                        for (var x = 0; x < PatchSide; x++, target += (long)count * inputs)
                            line[x].Store(target);
                    }
                }
            }
        });
        return result;
    }

    // Aᵀ m A plus the bias: [36, tiles, some outputs] → their places in [B, outputs, H, W], channels last.
    private static void TransformProducts(Tensor products, Tensor? bias, Tensor result, Grid grid, int first, int firstOutput)
    {
        var (tiles, channels, outputs) = ((int)products.shape[1], (int)products.shape[2], (int)result.shape[1]);
        var from = ChannelsLast.Floats(products);
        var to = ChannelsLast.Floats(result) + firstOutput;
        var addends = bias is null ? null : ChannelsLast.Floats(bias) + firstOutput;
        ChannelsLast.Split(tiles, (long)Places * channels, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (start, end) =>
        {
            var columns = stackalloc Lane[Side * PatchSide];
            var line = stackalloc Lane[Side];
            var next = PatchSide * (long)tiles * channels;
            for (var tile = start; tile < end; tile++)
            {
                var (row, top, left) = grid.Tile(first + tile);
                var (height, width) = (Math.Min(Side, grid.Height - top), Math.Min(Side, grid.Width - left));
                for (var channel = 0; channel < channels; channel += ChannelsLast.Lanes)
                {
                    var m = from + ((long)tile * channels) + channel;
                    for (var x = 0; x < PatchSide; x++, m += (long)tiles * channels)
                    {
                        Combine(
                            Vector512.Load(m), Vector512.Load(m + next), Vector512.Load(m + (2 * next)), Vector512.Load(m + (3 * next)), Vector512.Load(m + (4 * next)), Vector512.Load(m + (5 * next)),
                            columns + x, PatchSide);
                    }

                    var addend = addends == null ? Lane.Zero : Vector512.Load(addends + channel);
                    for (var y = 0; y < height; y++)
                    {
                        var column = columns + (y * PatchSide);
                        Combine(column[0], column[1], column[2], column[3], column[4], column[5], line, 1);
                        var target = to + ((((((long)row * grid.Height) + top + y) * grid.Width) + left) * outputs) + channel;
                        for (var x = 0; x < width; x++, target += outputs)
                            (line[x] + addend).Store(target);
                    }
                }
            }
        });
    }

    // G: a kernel's three taps → its values at the six points.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Evaluate(Lane a, Lane b, Lane c, Lane* result, int stride)
    {
        var (even, odd) = ((a * (-2f / 3)) - (c * (1f / 3)), b * (-Root / 3));
        result[0] = a;
        result[stride] = even + odd;
        result[2 * stride] = even - odd;
        (even, odd) = ((a * (1f / 6)) + (c * (1f / 3)), b * (Root / 6));
        result[3 * stride] = even + odd;
        result[4 * stride] = even - odd;
        result[5 * stride] = c;
    }

    // Bᵀ: six pixels → their six interpolants.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interpolate(Lane a, Lane b, Lane c, Lane d, Lane e, Lane f, Lane* result, int stride)
    {
        result[0] = a - (c * 2.5f) + e;
        var (even, odd) = (e - (c * 2f), ((d * 0.5f) - b) * Root);
        result[stride] = even + odd;
        result[2 * stride] = even - odd;
        (even, odd) = (e - (c * 0.5f), (d - (b * 0.5f)) * Root);
        result[3 * stride] = even + odd;
        result[4 * stride] = even - odd;
        result[5 * stride] = b - (d * 2.5f) + f;
    }

    // Aᵀ: six products → four outputs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Combine(Lane a, Lane b, Lane c, Lane d, Lane e, Lane f, Lane* result, int stride)
    {
        var (sum1, difference1, sum2, difference2) = (b + c, b - c, d + e, d - e);
        result[0] = a + sum1 + sum2;
        result[stride] = (difference1 * (Root / 2)) + (difference2 * Root);
        result[2 * stride] = (sum1 * 0.5f) + (sum2 * 2f);
        result[3 * stride] = (difference1 * (Root / 4)) + (difference2 * (Root * 2)) + f;
    }

    /// <summary>The tiles of a batch, row by row.</summary>
    private readonly record struct Grid(int Rows, int Height, int Width)
    {
        private int Down => (int)TilesAlong(Height);

        private int Across => (int)TilesAlong(Width);

        public int Tiles => Rows * Down * Across;

        /// <summary>The row of the batch, and the tile's first pixel.</summary>
        public (int Row, int Top, int Left) Tile(int index) => (index / (Down * Across), index / Across % Down * Side, index % Across * Side);
    }

    private sealed record Weights(Tensor Kernel, Tensor? Bias);

    /// <summary>The convolution as a node of an autograd graph. Kernel and bias are frozen.</summary>
    private sealed class Differentiable : autograd.SingleTensorFunction<Differentiable>
    {
        public override string Name => nameof(WinogradConvolution);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var weights = (Weights)vars[1];
            // A kernel that was padded for this call may be gone when the gradient is computed.
            ctx.save_for_backward([weights.Kernel]);
            return Convolve((Tensor)vars[0], weights, isGradient: false);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using var kernel = ctx.get_saved_variables()[0];
            using (grad_output)
                return [Convolve(grad_output, new Weights(kernel, Bias: null), isGradient: true), null!];
        }
    }
}
