using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// Random weights of any types. Each is drawn and converted individually, so that the whole model is never in memory as float32.
/// </summary>
/// <param name="generator">Source of the random numbers.</param>
/// <param name="precision">Their types.</param>
internal sealed class RandomWeights(Generator generator, Precision precision) : WeightSource
{
    private readonly List<Tensor> weights = [];

    public override bool Has(string name) => false;

    public override int Rank(string name) => 0;

    public override Tensor Take(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape) => Draw(name, init, fanIn, shape, precision.Arithmetic);

    public override Tensor TakeMatrix(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape) => Draw(name, init, fanIn, shape, precision.Weights);

    public override void Dispose()
    {
        weights.ForEach(weight => weight.Dispose());
        weights.Clear();
    }

    private Tensor Draw(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape, ScalarType dtype)
    {
        using var initial = new InitialWeights(generator);
        var weight = initial.Take(name, init, fanIn, shape).to(dtype, copy: dtype != ScalarType.Float32).DetachFromDisposeScope();
        weights.Add(weight);
        return weight;
    }
}
