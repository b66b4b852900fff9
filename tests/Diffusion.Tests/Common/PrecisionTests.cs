using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using PromptToPrompt.Diffusion.UNet.Gradient;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Common;

public sealed class PrecisionTests : IDisposable
{
    // Both sides have the same numbers, but some products are computed in another order.
    private const double Tolerance = 1e-5;

    private readonly TemporaryFolder folder = new();

    public static TheoryData<ScalarType> Narrow => [ScalarType.Float16, ScalarType.BFloat16];

    [Fact]
    public void ACpuComputesInATypeThatItHasArithmeticIn()
    {
        Assert.Equal(ScalarType.Float32, Precision.On(CPU, ScalarType.Float32).Arithmetic);
        Assert.Equal(ScalarType.Float32, Precision.On(CPU, ScalarType.Float16).Arithmetic);
        Assert.Equal(LibTorch.HasBFloat16Arithmetic ? ScalarType.BFloat16 : ScalarType.Float32, Precision.On(CPU, ScalarType.BFloat16).Arithmetic);
        Assert.All(Narrow, type => Assert.Equal(new(type, type), Precision.On(new Device(DeviceType.CUDA, 0), type)));
    }

    [Fact]
    public void ItsIdentityNamesOneTypeUnlessThereAreTwo()
    {
        Assert.Equal("Float32", Precision.Single.Identity);
        Assert.Equal("Float16 weights, Float32", Precision.On(CPU, ScalarType.Float16).Identity);
    }

    [Fact]
    public void AModelWithNarrowWeightsPredictsWhatTheSameWeightsInFloat32Do()
    {
        SmallModel.WriteTokenizer(Path.Combine(folder["m"], "tokenizer"));
        RandomModel.Write(folder["m"], SmallModel.Shape, ScalarType.Float16, seed: 1);
        var (narrow, wide) = (Evaluate(ScalarType.Float16), Evaluate(ScalarType.Float32));
        foreach (var (actual, expected) in narrow.Zip(wide))
            AreEqual(actual, expected);

        // Text, prediction and gradient.
        List<Tensor> Evaluate(ScalarType type)
        {
            using var scope = NewDisposeScope();
            using var model = StableDiffusionModel.Load(folder["m"], dtype: type);
            Assert.Equal((type, ScalarType.Float32), (model.WeightType, model.Dtype));
            using var generator = new Generator(3, CPU);
            var sample = randn([1, 4, 32, 32], generator: generator);
            var context = TextConditioning.Encode(model, [model.Tokenizer.Tokenize("a cat")]);
            var timestep = tensor(new[] { 981L });
            var gradients = new[] { false, true }.Select(recompute =>
            {
                using var network = new DifferentiableUNet(model.UNet, sample, timestep, recompute: recompute);
                using var pass = network.Forward(context.Text);
                return pass.Backward(pass.Output).Text;
            }).ToList();
            return [.. gradients.Prepend(model.UNet.Forward(sample, timestep, context)).Prepend(context.Text).Select(result => result.MoveToOuterDisposeScope().DetachFromDisposeScope())];
        }
    }

    [Theory]
    [MemberData(nameof(Narrow))]
    public void LinearLayersWidenTheirMatrix(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        var (x, bias) = (randn([2, 24, 48], generator: generator), randn([80], generator: generator));
        Compare(x, randn([80, 48], generator: generator).to(type), (input, matrix) => LinearProduct.Apply(input, matrix, bias));
        Compare(x, randn([80, 48], generator: generator).to(type), (input, matrix) => LinearProduct.Apply(input, matrix));
    }

    // By tiles and directly, with and without padded channels, and with sizes that a stride maps to the same output.
    [Theory]
    [InlineData(3, 1, 1, 20, 17, 32)]
    [InlineData(3, 1, 1, 5, 8, 64)]
    [InlineData(3, 2, 1, 9, 10, 32)]
    [InlineData(3, 2, 1, 8, 7, 5)]
    [InlineData(3, 2, 0, 9, 10, 32)]
    [InlineData(1, 1, 0, 6, 6, 3)]
    public void ConvolutionsWidenTheirKernel(long side, long stride, long padding, long height, long width, long channels)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        var (x, bias) = (randn([2, channels, height, width], generator: generator), randn([40], generator: generator));
        foreach (var type in Narrow)
        {
            Compare(x, randn([40, channels, side, side], generator: generator).to(type), (input, kernel) => Convolution.Apply(input, kernel, bias, 40, stride, padding));
            Compare(x, randn([64, channels, side, side], generator: generator).to(type), (input, kernel) => Convolution.Apply(input, kernel, null, 64, stride, padding));
        }
    }

    // A residual block's bias depends on the embedding, whose gradient may be needed.
    [Theory]
    [InlineData(16)]
    [InlineData(5)]
    public void ABiasKeepsItsGradientBesideANarrowKernel(long side)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4, CPU);
        var (x, kernel) = (randn([1, 32, side, side], generator: generator), randn([32, 32, 3, 3], generator: generator).to(ScalarType.Float16));
        foreach (var needs in new[] { false, true })
        {
            var (input, bias) = (x.clone().requires_grad_(needs), zeros(32).requires_grad_(true));
            Convolution.Apply(input, kernel, bias, 32, 1, 1).sum().backward();
            AreEqual(bias.grad!, full([32], (float)(side * side), ScalarType.Float32, CPU));
        }
    }

    // As the layers after it do.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AProductWithANarrowMatrixMayBeAddedToInPlace(bool byOneDnn)
    {
        var before = LinearKernels.Library;
        try
        {
            LinearKernels.Use(byOneDnn ? LinearLibrary.OneDnn : LinearLibrary.Mkl);
            using var scope = NewDisposeScope();
            using var generator = new Generator(5, CPU);
            Compare(
                randn([2, 256, 64], generator: generator), randn([96, 64], generator: generator).to(ScalarType.Float16),
                (input, matrix) => LinearProduct.Apply(input, matrix).AddInPlace(ones(2, 256, 96)));
        }
        finally
        {
            LinearKernels.Use(before);
        }
    }

    [Fact]
    public void OnlyFrozenWeightsOfANarrowerTypeAreWidened()
    {
        using var scope = NewDisposeScope();
        var (x, matrix) = (ones(2, 4), ones(3, 4, dtype: ScalarType.Float16, device: CPU));
        Assert.Contains("is trained", Assert.Throws<InvalidOperationException>(() => LinearProduct.Apply(x, matrix.clone().requires_grad_(true))).Message);
        Assert.Contains("Float64 cannot be used for a computation in Float32", Assert.Throws<InvalidOperationException>(() => LinearProduct.Apply(x, matrix.to(ScalarType.Float64))).Message);
        Assert.Throws<InvalidOperationException>(() => LinearProduct.Apply(x.to(ScalarType.BFloat16), matrix));
    }

    public void Dispose() => folder.Dispose();

    private static void Compare(Tensor x, Tensor weight, Func<Tensor, Tensor, Tensor> layer)
    {
        var (narrow, wide) = (Evaluate(weight), Evaluate(weight.to(ScalarType.Float32)));
        AreEqual(layer(x, weight), wide.Result);
        AreEqual(narrow.Result, wide.Result);
        AreEqual(narrow.Gradient, wide.Gradient);

        (Tensor Result, Tensor Gradient) Evaluate(Tensor with)
        {
            var input = x.clone().requires_grad_(true);
            var result = layer(input, with);
            (result * result).sum().backward();
            return (result.detach(), input.grad!);
        }
    }

    private static void AreEqual(Tensor actual, Tensor expected)
    {
        Assert.Equal(ScalarType.Float32, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((actual - expected).abs().max().item<float>() / expected.abs().max().item<float>(), 0, Tolerance);
    }
}
