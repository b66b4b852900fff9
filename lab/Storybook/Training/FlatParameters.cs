using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// A model's trainable weights with their optimizer state, each stored as one flat vector: float32 master weights, the two AdamW moments
/// (Loshchilov and Hutter, arXiv 1711.05101) and an exponential moving average. The model computes on slices of a copy in the training
/// type.
/// </summary>
internal sealed class FlatParameters : IDisposable
{
    private readonly List<Slice> slices = [];
    private readonly Tensor computed;
    private readonly Tensor gradient;
    private readonly Tensor master;
    private readonly Tensor firstMoment;
    private readonly Tensor secondMoment;
    private readonly Tensor average;

    /// <summary>Takes over initial weights.</summary>
    /// <param name="initial">The weights in the order of the model's requests.</param>
    /// <param name="dtype">Compute type: float32 or bfloat16.</param>
    public FlatParameters(InitialWeights initial, ScalarType dtype)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        master = cat([.. initial.Named.Select(w => w.Value.flatten())]).DetachFromDisposeScope();
        average = master.clone().DetachFromDisposeScope();
        firstMoment = zeros_like(master).DetachFromDisposeScope();
        secondMoment = zeros_like(master).DetachFromDisposeScope();
        gradient = zeros_like(master).DetachFromDisposeScope();
        computed = master.to(dtype, copy: true).DetachFromDisposeScope();
        var offset = 0L;
        foreach (var (name, tensor) in initial.Named)
        {
            var count = tensor.numel();
            // Each detached view is a separate leaf: views of one flat leaf would make every gradient as large as the whole model.
            var leaf = computed.narrow(0, offset, count).view(tensor.shape).detach().requires_grad_(true).DetachFromDisposeScope();
            slices.Add(new Slice(name, offset, count, tensor.shape, leaf));
            offset += count;
        }
    }

    /// <summary>The fastest training type on this CPU. The state is always float32, so a run can resume in the other type.</summary>
    public static ScalarType FastType => LibTorch.HasBFloat16Arithmetic ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>The compute type.</summary>
    public ScalarType Dtype => computed.dtype;

    /// <summary>Number of scalar weights.</summary>
    public long Count => master.numel();

    /// <summary>Steps taken so far.</summary>
    public long Steps { get; private set; }

    /// <summary>The trainable weights for building the model.</summary>
    public WeightSource Source => new LeafWeights(slices);

    /// <summary>Takes one optimizer step with the gradients of <c>backward</c>, and clears them.</summary>
    /// <param name="learningRate">Learning rate.</param>
    /// <param name="weightDecay">Decoupled weight decay.</param>
    /// <param name="averageDecay">Decay of the moving average, reached after a warm-up.</param>
    /// <param name="maxNorm">Maximum gradient norm; longer gradients are scaled down.</param>
    /// <returns>The gradient norm before scaling.</returns>
    public double Step(double learningRate, double weightDecay = 0.01, double averageDecay = 0.999, double maxNorm = 1)
    {
        const double Beta1 = 0.9, Beta2 = 0.98, Epsilon = 1e-8;
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var slice in slices)
        {
            var part = gradient.narrow(0, slice.Offset, slice.Count);
            if (slice.Leaf.grad is not { } grad)
            {
                part.zero_();
                continue;
            }

            part.copy_(grad.flatten());
            grad.zero_();
        }

        var norm = gradient.norm().ReadDouble();
        if (!double.IsFinite(norm))
            return norm;
        Steps++;
        if (norm > maxNorm)
            gradient.mul_(Scalar(maxNorm / norm));
        firstMoment.lerp_(gradient, 1 - Beta1);
        secondMoment.mul_(Scalar(Beta2)).addcmul_(gradient, gradient, Scalar(1 - Beta2));
        var bias1 = 1 - Math.Pow(Beta1, Steps);
        var bias2 = 1 - Math.Pow(Beta2, Steps);
        var scale = secondMoment.sqrt().mul_(Scalar(1 / Math.Sqrt(bias2))).AddInPlace(Scalar(Epsilon));
        master.mul_(Scalar(1 - (learningRate * weightDecay))).addcdiv_(firstMoment, scale, Scalar(-learningRate / bias1));
        average.lerp_(master, 1 - Math.Min(averageDecay, (1.0 + Steps) / (10.0 + Steps)));
        computed.copy_(master);
        return norm;
    }

    /// <summary>The averaged weights by checkpoint name: views, valid as long as this object exists.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Averaged()
        => slices.Select(s => KeyValuePair.Create(s.Name, average.narrow(0, s.Offset, s.Count).view(s.Shape)));

    /// <summary>A source of the averaged weights, for building a model for inference.</summary>
    public StoredWeights AveragedSource()
        => new("the training state", slices.ToDictionary(s => s.Name, s => new StoredWeight(
            s.Shape, () => average.narrow(0, s.Offset, s.Count).view(s.Shape))));

    /// <summary>Writes the state needed to resume.</summary>
    public void Save(string path)
    {
        using var steps = tensor(Steps);
        SafetensorsWriter.Write(path, new Dictionary<string, Tensor>
        {
            ["master"] = master,
            ["average"] = average,
            ["first_moment"] = firstMoment,
            ["second_moment"] = secondMoment,
            ["steps"] = steps,
        });
    }

    /// <summary>Starts from a model's weights instead of random ones; the optimizer state is reset.</summary>
    /// <param name="prefix">Prefix of the file's names here.</param>
    /// <param name="file">The weights.</param>
    /// <exception cref="PromptToPrompt.Diffusion.InvalidInputException">A weight is missing in the file or has another shape.</exception>
    public void Begin(string prefix, SafetensorsFile file)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var slice in slices.Where(s => s.Name.StartsWith($"{prefix}.", StringComparison.Ordinal)))
        {
            var name = slice.Name[(prefix.Length + 1)..];
            if (!file.Tensors.TryGetValue(name, out var entry) || !entry.Shape.SequenceEqual(slice.Shape))
                throw new Diffusion.InvalidInputException($"{file.Path} has no tensor \"{name}\" of shape [{string.Join(", ", slice.Shape)}]; it is a model of another size.");
            master.narrow(0, slice.Offset, slice.Count).copy_(file.Read(name).flatten());
        }

        average.copy_(master);
        computed.copy_(master);
    }

    /// <summary>Resumes from a saved state.</summary>
    /// <exception cref="PromptToPrompt.Diffusion.InvalidInputException">The file belongs to a model of another size.</exception>
    public void Load(string path)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        foreach (var (name, target) in new[] { ("master", master), ("average", average), ("first_moment", firstMoment), ("second_moment", secondMoment) })
        {
            var saved = file.Read(name);
            if (saved.numel() != Count)
                throw new Diffusion.InvalidInputException($"{path} holds {saved.numel()} weights where this model has {Count}; train into another directory.");
            target.copy_(saved);
        }

        computed.copy_(master);
        Steps = file.Read("steps").ReadInt64();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var slice in slices)
            slice.Leaf.Dispose();
        foreach (var tensor in new[] { computed, gradient, master, firstMoment, secondMoment, average })
            tensor.Dispose();
    }

    private sealed record Slice(string Name, long Offset, long Count, long[] Shape, Tensor Leaf);

    private sealed class LeafWeights(IReadOnlyList<Slice> slices) : WeightSource
    {
        private readonly Dictionary<string, Tensor> leaves = slices.ToDictionary(s => s.Name, s => s.Leaf);

        // Behaves like a source without stored weights, so that the model requests the same names as in training.
        public override bool Has(string name) => false;

        public override int Rank(string name) => 0;

        public override Tensor Take(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape) => leaves[name];

        public override void Dispose()
        {
        }
    }
}
