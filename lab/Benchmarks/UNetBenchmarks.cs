using BenchmarkDotNet.Attributes;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// One evaluation of the embedded model's U-Net for the four rows of an edit, compared with one matrix product of the same number of
/// operations: 1 / ratio is the fraction of the machine's float32 matrix rate that the U-Net reaches.
/// </summary>
public class UNetBenchmarks
{
    private const int Rows = 4;
    private const int Repeats = 10;
    private const int Tokens = 77;

    private StableDiffusionModel model = null!;
    private Tensor sample = null!;
    private Tensor timestep = null!;
    private Tensor context = null!;
    private Tensor matrix = null!;

    /// <summary>Loads the model and draws its inputs.</summary>
    [GlobalSetup]
    public void Setup()
    {
        model = StableDiffusionModel.Load(EmbeddedModel.Directory);
        var config = model.Shape.UNet;
        using var generator = new Generator(0, CPU);
        sample = randn([Rows, config.InChannels, config.SampleSize, config.SampleSize], generator: generator);
        context = randn([Rows, Tokens, config.CrossAttentionDim], generator: generator);
        timestep = tensor(new[] { 500L });
        var operations = Rows * UNetOperations.Count(config, config.SampleSize, config.SampleSize, Tokens);
        var side = (long)Math.Cbrt(operations / 2);
        matrix = randn([side, side], generator: generator);
    }

    /// <summary>Frees the model and its inputs.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var tensor in new[] { sample, timestep, context, matrix })
            tensor.Dispose();
        model.Dispose();
    }

    /// <summary>A float32 matrix product with the same number of operations.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Repeats)]
    public void MatrixProduct()
    {
        for (var i = 0; i < Repeats; i++)
            matmul(matrix, matrix).Dispose();
    }

    /// <summary>The U-Net.</summary>
    [Benchmark(OperationsPerInvoke = Repeats)]
    public void UNetForward()
    {
        using var _ = no_grad();
        for (var i = 0; i < Repeats; i++)
            model.UNet.Forward(sample, timestep, new Conditioning(context)).Dispose();
    }
}
