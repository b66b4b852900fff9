using System.Globalization;
using PromptToPrompt.Diffusion.Common;
using TorchSharp;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Native.Numerics;

/// <summary>
/// Compares a diffusion model's operations, forward and backward, with float64 on the CPU, for which libtorch uses other kernels.
/// Each operation runs right after freed memory was filled with NaN, because kernels that read uninitialized memory are correct if it is
/// zero.
/// </summary>
internal static class NumericsCheck
{
    /// <summary>
    /// Relative errors above this are faults, not rounding. Rounding stays hundreds of times below it in float32, and a few times in the
    /// 16-bit types, where sums over rows lose the most precision.
    /// </summary>
    internal static double Tolerance(ScalarType type) => type == ScalarType.Float32 ? 1e-3 : 0.1;

    /// <summary>Checks a device with about 80 comparisons for each type, in about a second. libtorch must be loaded.</summary>
    /// <param name="device">The CPU or a GPU.</param>
    public static NumericsReport Run(Device device) => Run(device, Operations());

    /// <summary>Checks some operations on a device.</summary>
    internal static NumericsReport Run(Device device, IEnumerable<CheckedOperation> operations)
    {
        ArgumentNullException.ThrowIfNull(device);
        // No model computes in a type that a CPU has no arithmetic in.
        ScalarType[] types = device.type != DeviceType.CPU ? [ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16]
            : LibTorch.HasBFloat16Arithmetic ? [ScalarType.Float32, ScalarType.BFloat16] : [ScalarType.Float32];
        return new NumericsReport([.. operations.SelectMany(operation => types.SelectMany(type => Compare(operation, type, device)))]);
    }

    /// <summary>Compares the result of an operation, and the gradient of each of its inputs, with float64.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="type">The compute type.</param>
    /// <param name="device">The device.</param>
    /// <param name="seed">Seed of the inputs, which are normally distributed.</param>
    internal static IReadOnlyList<NumericsComparison> Compare(CheckedOperation operation, ScalarType type, Device device, ulong seed = 0)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        using var generator = new Generator(seed, CPU);
        // Inputs are rounded first, so that both sides start from the same numbers.
        var inputs = operation.Inputs.Select(input => Normal(input.Shape, generator).mul(Scalar(input.Scale)).to(type)).ToArray();
        var exact = Evaluate(operation, operation.Reference ?? operation.Apply, inputs, ScalarType.Float64, CPU, shape => Normal(shape, generator).to(type), out var outer);
        var computed = Evaluate(operation, operation.Apply, inputs, type, device, _ => outer, out var _);
        return
        [
            .. exact.Zip(computed).Select((pair, i) => new NumericsComparison(
                operation.Name, i == 0 ? "result" : $"gradient of the {operation.Inputs[i - 1].Name}", type, Error(pair.Second, pair.First))),
        ];
    }

    // The result, then the gradient of each differentiated input.
    private static Tensor[] Evaluate(
        CheckedOperation operation, Func<Tensor[], Tensor> apply, Tensor[] inputs, ScalarType type, Device device, Func<long[], Tensor> gradientFor, out Tensor outer)
    {
        var leaves = inputs.Select((input, i) => input.to(type, device, copy: true).detach().requires_grad_(i < operation.Differentiated)).ToArray();
        SpoilFreedMemory(device);
        var result = apply(leaves);
        outer = gradientFor(result.shape);
        SpoilFreedMemory(device);
        result.backward([outer.to(type, device)]);
        return [result.detach(), .. leaves.Take(operation.Differentiated).Select(leaf => leaf.grad!)];
    }

    private static Tensor Normal(long[] shape, Generator generator) => randn(shape, device: CPU, generator: generator);

    // Largest difference relative to the largest exact value; NaN if either is NaN.
    private static double Error(Tensor computed, Tensor exact) =>
        computed.to(ScalarType.Float64, CPU).sub(exact).abs().max().div(exact.abs().max()).ReadDouble();

    /// <summary>Leaves NaN in the memory that the next tensors and the kernels' buffers will use.</summary>
    internal static void SpoilFreedMemory(Device device)
    {
        const int Smallest = 1 << 6, Largest = 1 << 20, BlocksOfASize = 4;
        using var scope = NewDisposeScope();
        for (long count = Smallest; count <= Largest; count *= 4)
        {
            for (var i = 0; i < BlocksOfASize; i++)
                _ = full([count], Scalar(double.NaN), ScalarType.Float32, device);
        }
    }

    private static IEnumerable<CheckedOperation> Operations()
    {
        // The shapes next to latents and images in Stable Diffusion, and some that libtorch 2.10 computes incorrectly on processors with
        // AVX-512.
        foreach (var (inputs, outputs, kernel, stride, side) in new[]
        {
            (4, 320, 3, 1, 8), (320, 4, 3, 1, 16), (9, 320, 3, 1, 8), (3, 128, 3, 1, 17), (128, 3, 3, 1, 16), (8, 8, 1, 1, 8),
            (64, 64, 3, 1, 9), (320, 320, 3, 2, 8), (48, 80, 3, 2, 16), (24, 20, 3, 1, 9), (640, 320, 1, 1, 8),
        })
        {
            yield return CheckedOperation.Convolution(1, inputs, outputs, kernel, stride, side);
        }

        // Layers with frozen weights, as they are in every run but a training: a CPU computes them with kernels of this library.
        yield return CheckedOperation.Convolution(1, 96, 160, 3, 1, 25).Frozen();
        yield return CheckedOperation.GroupNormSilu(2, 96, 32, 9).Frozen();
        yield return CheckedOperation.Linear(154, 768, 320);
        yield return CheckedOperation.Linear(63, 30, 77);
        yield return CheckedOperation.Attention(queries: 64, keys: 77, width: 40);
        yield return CheckedOperation.Attention(queries: 256, keys: 256, width: 40);
        yield return CheckedOperation.Attention(queries: 77, keys: 77, width: 64, causal: true);
        yield return CheckedOperation.GroupNorm(2, 320, 32, 8);
        yield return CheckedOperation.LayerNorm(77, 768);
    }
}

/// <summary>An operation to compare with float64.</summary>
/// <param name="Name">Name of the operation in reports.</param>
/// <param name="Apply">The operation as the models run it.</param>
/// <param name="Inputs">Name, shape and scale of each input.</param>
internal sealed record CheckedOperation(string Name, Func<Tensor[], Tensor> Apply, IReadOnlyList<(string Name, long[] Shape, double Scale)> Inputs)
{
    private const double Epsilon = 1e-5;

    /// <summary>An equivalent implementation that shares no kernel with the operation; null to use the operation itself.</summary>
    public Func<Tensor[], Tensor>? Reference { get; init; }

    /// <summary>Number of inputs, from the first one, for which a gradient is computed; all by default.</summary>
    public int Differentiated { get; private init; } = Inputs.Count;

    /// <summary>The same operation with frozen weights: only its first input is differentiated.</summary>
    public CheckedOperation Frozen() => this with { Name = $"{Name} with frozen weights", Differentiated = 1 };

    /// <summary>A square convolution.</summary>
    public static CheckedOperation Convolution(long rows, long inputs, long outputs, int kernel, int stride, long side) => new(
        $"convolution {inputs} → {outputs}, {kernel}×{kernel}{(stride > 1 ? $", stride {stride}" : "")}, {rows}×{side}×{side}",
        x => Diffusion.Common.Convolution.Apply(x[0], x[1], x[2], outputs, stride, kernel / 2),
        [
            ("input", [rows, inputs, side, side], 1), ("kernel", [outputs, inputs, kernel, kernel], 1 / Math.Sqrt(inputs * kernel * kernel)), ("bias", [outputs], 1),
        ]);

    /// <summary>A matrix product with a bias.</summary>
    public static CheckedOperation Linear(long rows, long inputs, long outputs) => new(
        $"matrix product {rows}×{inputs}×{outputs}",
        x => nn.functional.linear(x[0], x[1], x[2]),
        [("input", [rows, inputs], 1), ("matrix", [outputs, inputs], 1 / Math.Sqrt(inputs)), ("bias", [outputs], 1)]);

    /// <summary>A matrix product with a bias as a convolution.</summary>
    public static CheckedOperation LinearByConvolution(long rows, long inputs, long outputs)
    {
        var product = Linear(rows, inputs, outputs);
        return product with { Name = $"{product.Name} as a convolution", Apply = x => LinearProduct.ByConvolution(x[0], x[1], x[2]), Reference = product.Apply };
    }

    /// <summary>Attention with 8 heads.</summary>
    public static CheckedOperation Attention(long queries, long keys, long width, bool causal = false) => new(
        $"{(causal ? "causal " : "")}attention of {queries} to {keys}",
        x => ScaledDotProduct.Attend(x[0], x[1], x[2], causal),
        [("queries", [1, 8, queries, width], 1), ("keys", [1, 8, keys, width], 1), ("values", [1, 8, keys, width], 1)])
    {
        Reference = x => matmul(ScaledDotProduct.Probabilities(x[0], x[1], causal), x[2]),
    };

    /// <summary>Group normalization of square feature maps.</summary>
    public static CheckedOperation GroupNorm(long rows, long channels, long groups, long side) => new(
        $"group normalization of {channels} channels",
        x => nn.functional.group_norm(x[0], groups, x[1], x[2], Epsilon),
        [("input", [rows, channels, side, side], 1), ("weight", [channels], 1), ("bias", [channels], 1)]);

    /// <summary>Group normalization and SiLU of square feature maps with their channels last.</summary>
    public static CheckedOperation GroupNormSilu(long rows, long channels, long groups, long side) => new(
        $"group normalization and SiLU of {channels} channels",
        x => Diffusion.Common.GroupNorm.Apply(x[0].permute(0, 3, 1, 2), x[1], x[2], groups, Epsilon, silu: true),
        [("input", [rows, side, side, channels], 1), ("weight", [channels], 1), ("bias", [channels], 1)]);

    /// <summary>Layer normalization.</summary>
    public static CheckedOperation LayerNorm(long rows, long channels) => new(
        $"layer normalization of {channels} channels",
        x => nn.functional.layer_norm(x[0], [channels], x[1], x[2], Epsilon),
        [("input", [rows, channels], 1), ("weight", [channels], 1), ("bias", [channels], 1)]);
}

/// <summary>One comparison with float64.</summary>
/// <param name="Operation">The operation and its size.</param>
/// <param name="Part">The result, or the gradient of one of its inputs.</param>
/// <param name="Type">The compute type.</param>
/// <param name="Error">Largest difference relative to the largest exact value; NaN if the operation produced NaN.</param>
internal sealed record NumericsComparison(string Operation, string Part, ScalarType Type, double Error)
{
    /// <summary>Whether the difference is within rounding.</summary>
    public bool IsRight => Error <= NumericsCheck.Tolerance(Type);

    /// <inheritdoc/>
    public override string ToString() => double.IsNaN(Error)
        ? $"the {Part} of {Operation} in {Name} is NaN"
        : string.Create(CultureInfo.InvariantCulture, $"the {Part} of {Operation} in {Name} is off by {Error:G2} of its largest value");

    private string Name => Type.ToString().ToLowerInvariant();
}

/// <summary>The result of a check.</summary>
/// <param name="Comparisons">All comparisons.</param>
internal sealed record NumericsReport(IReadOnlyList<NumericsComparison> Comparisons)
{
    /// <summary>The failed comparisons.</summary>
    public IReadOnlyList<NumericsComparison> Faults => [.. Comparisons.Where(comparison => !comparison.IsRight)];

    /// <summary>Whether all comparisons passed.</summary>
    public bool IsRight => Faults.Count == 0;

    /// <summary>A one-line summary.</summary>
    public override string ToString()
    {
        if (Faults is [var first, ..] faults)
            return $"{faults.Count} of {Comparisons.Count} comparisons with float64 failed; first, {first}";
        var errors = Comparisons.GroupBy(comparison => comparison.Type).Select(type => string.Create(
            CultureInfo.InvariantCulture, $"{type.Max(comparison => comparison.Error):0e+0} in {type.Key.ToString().ToLowerInvariant()}"));
        return $"{Comparisons.Count} comparisons with float64 passed; largest error {string.Join(", ", errors)}";
    }
}
