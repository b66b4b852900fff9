using PromptToPrompt.Diffusion.Storage.Weights;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// A model's trainable weights with their optimizer state, each stored as one flat vector: float32 master weights, the two AdamW moments
/// (Loshchilov and Hutter, arXiv 1711.05101) and an exponential moving average. The model computes on slices of a copy in the training
/// type. A step reads nothing from the device, so that a GPU never waits for it.
/// </summary>
internal sealed class FlatParameters : IDisposable
{
    private const string StepsName = "steps";
    private readonly List<Slice> slices = [];
    private readonly Tensor computed;
    private readonly Tensor computedGradient;
    private readonly Tensor gradient;
    private readonly Tensor master;
    private readonly Tensor firstMoment;
    private readonly Tensor secondMoment;
    private readonly Tensor average;

    /// <summary>Takes over initial weights.</summary>
    /// <param name="initial">The weights in the order of the model's requests.</param>
    /// <param name="target">Device and compute type.</param>
    public FlatParameters(InitialWeights initial, TrainingDevice target)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        master = cat([.. initial.Named.Select(w => w.Value.flatten())]).to(target.Device).DetachFromDisposeScope();
        average = master.clone().DetachFromDisposeScope();
        firstMoment = zeros_like(master).DetachFromDisposeScope();
        secondMoment = zeros_like(master).DetachFromDisposeScope();
        gradient = zeros_like(master).DetachFromDisposeScope();
        computed = master.to(target.Dtype, copy: true).DetachFromDisposeScope();
        computedGradient = zeros_like(computed).DetachFromDisposeScope();
        var offset = 0L;
        foreach (var (name, tensor) in initial.Named)
        {
            var count = tensor.numel();
            // Each detached view is a separate leaf: views of one flat leaf would make every gradient as large as the whole model.
            var leaf = computed.narrow(0, offset, count).view(tensor.shape).detach().requires_grad_(true).DetachFromDisposeScope();
            // Backward adds to a gradient that exists, so all gradients arrive in one vector.
            leaf.grad = computedGradient.narrow(0, offset, count).view(tensor.shape);
            slices.Add(new Slice(name, offset, count, tensor.shape, leaf));
            offset += count;
        }
    }

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
    /// <param name="momentum">AdamW's β₁.</param>
    /// <remarks>A gradient with NaN or infinite values counts as 0.</remarks>
    public void Step(double learningRate, double weightDecay = 0.01, double averageDecay = 0.999, double maxNorm = 1, double momentum = 0.9)
    {
        const double Beta2 = 0.98, Epsilon = 1e-8;
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        gradient.copy_(computedGradient);
        computedGradient.zero_();
        var norm = gradient.norm();
        gradient.mul_((norm.reciprocal() * Scalar(maxNorm)).clamp_max(Scalar(1))).masked_fill_(norm.isfinite().logical_not(), Scalar(0));
        Steps++;
        firstMoment.lerp_(gradient, 1 - momentum);
        secondMoment.mul_(Scalar(Beta2)).addcmul_(gradient, gradient, Scalar(1 - Beta2));
        var bias1 = 1 - Math.Pow(momentum, Steps);
        var bias2 = 1 - Math.Pow(Beta2, Steps);
        var scale = secondMoment.sqrt().mul_(Scalar(1 / Math.Sqrt(bias2))).AddInPlace(Scalar(Epsilon));
        master.mul_(Scalar(1 - (learningRate * weightDecay))).addcdiv_(firstMoment, scale, Scalar(-learningRate / bias1));
        average.lerp_(master, 1 - Math.Min(averageDecay, (1.0 + Steps) / (10.0 + Steps)));
        computed.copy_(master);
    }

    /// <summary>Computes something without gradients of these weights, but with those of its other inputs.</summary>
    public T Frozen<T>(Func<T> compute)
    {
        slices.ForEach(slice => slice.Leaf.requires_grad_(false));
        try
        {
            return compute();
        }
        finally
        {
            slices.ForEach(slice => slice.Leaf.requires_grad_(true));
        }
    }

    /// <summary>A weight that the model computes with.</summary>
    public Tensor Leaf(string name) => slices.Find(slice => slice.Name == name)!.Leaf;

    /// <summary>The averaged weights by checkpoint name: views, valid as long as this object exists.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Averaged()
        => slices.Select(s => KeyValuePair.Create(s.Name, average.narrow(0, s.Offset, s.Count).view(s.Shape)));

    /// <summary>A source of the averaged weights, for building a model for inference.</summary>
    public StoredWeights AveragedSource()
        => new("the training state", slices.ToDictionary(s => s.Name, s => new StoredWeight(
            s.Shape, () => average.narrow(0, s.Offset, s.Count).view(s.Shape))));

    /// <summary>The state needed to resume, by name: tensors of this object, and the number of steps as a new one.</summary>
    /// <param name="prefix">Start of the names.</param>
    public IEnumerable<KeyValuePair<string, Tensor>> State(string prefix = "") => [.. Vectors(prefix), new(prefix + StepsName, tensor(Steps))];

    /// <summary>Starts from a model's weights instead of random ones; the optimizer state is reset.</summary>
    /// <param name="prefix">Prefix of the file's names here.</param>
    /// <param name="stored">The weights.</param>
    /// <exception cref="PromptToPrompt.Diffusion.InvalidInputException">A weight is missing in the file or has another shape.</exception>
    public void Begin(string prefix, StoredTensors stored)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var slice in slices.Where(s => s.Name.StartsWith($"{prefix}.", StringComparison.Ordinal)))
        {
            var name = slice.Name[(prefix.Length + 1)..];
            if (!stored.Tensors.TryGetValue(name, out var weight) || !weight.Shape.SequenceEqual(slice.Shape))
                throw new Diffusion.InvalidInputException($"{stored.Origin} has no tensor \"{name}\" of shape [{string.Join(", ", slice.Shape)}]; it is a model of another size.");
            master.narrow(0, slice.Offset, slice.Count).copy_(weight.Read().flatten());
        }

        average.copy_(master);
        computed.copy_(master);
    }

    /// <summary>Resumes from a saved state.</summary>
    /// <param name="file">The state.</param>
    /// <param name="prefix">Start of the names in the file.</param>
    /// <exception cref="PromptToPrompt.Diffusion.InvalidInputException">The file belongs to a model of another size.</exception>
    public void Load(SafetensorsFile file, string prefix = "")
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, target) in Vectors(prefix))
        {
            var saved = file.Read(name);
            if (saved.numel() != Count)
                throw new Diffusion.InvalidInputException($"{file.Path} holds {saved.numel()} weights where this model has {Count}; train into another directory.");
            target.copy_(saved);
        }

        computed.copy_(master);
        Steps = file.Read(prefix + StepsName).ReadInt64();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var slice in slices)
            slice.Leaf.Dispose();
        foreach (var tensor in new[] { computed, computedGradient, gradient, master, firstMoment, secondMoment, average })
            tensor.Dispose();
    }

    private IEnumerable<KeyValuePair<string, Tensor>> Vectors(string prefix) =>
    [
        new(prefix + "master", master), new(prefix + "average", average), new(prefix + "first_moment", firstMoment), new(prefix + "second_moment", secondMoment),
    ];

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
