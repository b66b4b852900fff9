using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>Randomly initialized weights for training. Their names and order are those of a checkpoint.</summary>
/// <param name="generator">Source of the random numbers.</param>
internal sealed class InitialWeights(Generator generator) : WeightSource
{
    private readonly List<KeyValuePair<string, Tensor>> weights = [];

    /// <summary>The weights created so far, float32 leaves, in the order of the model's requests.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Named => weights;

    /// <inheritdoc/>
    public override bool Has(string name) => false;

    /// <inheritdoc/>
    public override int Rank(string name) => 0;

    /// <inheritdoc/>
    public override Tensor Take(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape)
    {
        using var _ = no_grad();
        var size = shape.ToArray();
        var tensor = (init switch
        {
            WeightInit.Zeros => zeros(size, device: CPU),
            WeightInit.Ones => ones(size, device: CPU),
            WeightInit.Embedding => randn(size, device: CPU, generator: generator).mul_(Scalar(0.02)),
            _ => rand(size, device: CPU, generator: generator).mul_(Scalar(2)).sub_(Scalar(1)).mul_(Scalar(1 / Math.Sqrt(fanIn))),
        }).DetachFromDisposeScope();
        weights.Add(new(name, tensor));
        return tensor;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var (_, tensor) in weights)
            tensor.Dispose();
        weights.Clear();
    }
}
