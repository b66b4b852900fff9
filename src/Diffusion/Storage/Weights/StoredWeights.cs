using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>Stored weights, each with a name, a shape and a read function. Tracks which of them were used.</summary>
internal sealed class StoredWeights : WeightSource
{
    private readonly string origin;
    private readonly IReadOnlyDictionary<string, StoredWeight> stored;
    private readonly Func<string, string> nameInFile;
    private readonly Dictionary<string, Tensor> taken = [];
    private readonly List<Tensor> derived = [];

    /// <summary>Creates a source over stored weights.</summary>
    /// <param name="origin">The source's name in errors, such as the file's path.</param>
    /// <param name="stored">The weights by name.</param>
    /// <param name="nameInFile">Maps a weight's name to its name in the file, for errors.</param>
    public StoredWeights(string origin, IReadOnlyDictionary<string, StoredWeight> stored, Func<string, string>? nameInFile = null)
    {
        this.origin = origin;
        this.stored = stored;
        this.nameInFile = nameInFile ?? (name => name);
    }

    /// <summary>Names of the weights that were not used.</summary>
    public IReadOnlyList<string> Unused => [.. stored.Keys.Where(name => !taken.ContainsKey(name)).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public override bool Has(string name) => stored.ContainsKey(name);

    /// <inheritdoc/>
    public override int Rank(string name) => stored.TryGetValue(name, out var weight) ? weight.Shape.Count : 0;

    /// <inheritdoc/>
    public override Tensor Take(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape) => Take(name, shape, weight => weight.Read());

    /// <inheritdoc/>
    public override Tensor TakeMatrix(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape) =>
        Take(name, shape, weight => (weight.ReadMatrix ?? weight.Read)());

    /// <inheritdoc/>
    public override Tensor? Keep(Func<Tensor> derive)
    {
        ArgumentNullException.ThrowIfNull(derive);
        using var _ = no_grad();
        var tensor = derive().DetachFromDisposeScope();
        derived.Add(tensor);
        return tensor;
    }

    /// <inheritdoc/>
    public override Tensor? TakeStacked(IReadOnlyList<string> names, ReadOnlySpan<long> shape)
    {
        // Mapped weights would have to be copied, and one that was taken before must stay as it is.
        if (names.Any(name => taken.ContainsKey(name) || (stored.TryGetValue(name, out var weight) && weight.IsMapped)))
            return null;
        var parts = new List<Tensor>();
        foreach (var name in names)
            parts.Add(TakeMatrix(name, WeightInit.FanIn, fanIn: 1, shape));
        var stacked = Keep(() => cat(parts, 0))!;
        // The parts become views, so that they are not in memory twice.
        for (var i = 0; i < names.Count; i++)
        {
            parts[i].Dispose();
            taken[names[i]] = stacked.narrow(0, i * shape[0], shape[0]).DetachFromDisposeScope();
        }

        return stacked;
    }

    /// <summary>Rejects a file with tensors that the model does not use.</summary>
    /// <param name="mayIgnore">Whether a tensor may be ignored.</param>
    /// <exception cref="InvalidInputException">A tensor was not used.</exception>
    public void RequireAllUsed(Func<string, bool>? mayIgnore = null)
    {
        var left = Unused.Where(name => mayIgnore?.Invoke(name) != true).ToList();
        if (left.Count > 0)
        {
            throw new InvalidInputException(
                $"{origin} contains {left.Count} tensor(s) that are not in the config, first \"{nameInFile(left[0])}\". Config and weights belong to different models.");
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var tensor in taken.Values.Concat(derived))
            tensor.Dispose();
        taken.Clear();
        derived.Clear();
    }

    private Tensor Take(string name, ReadOnlySpan<long> shape, Func<StoredWeight, Tensor> read)
    {
        if (!stored.TryGetValue(name, out var weight))
            throw new InvalidInputException($"{origin} has no tensor \"{nameInFile(name)}\". The file is incomplete or belongs to another type of model.");
        if (!weight.Shape.SequenceEqual(shape.ToArray()))
        {
            throw new InvalidInputException(
                $"{origin}: tensor \"{nameInFile(name)}\" has shape [{string.Join(", ", weight.Shape)}] but the config needs [{string.Join(", ", shape.ToArray())}]. Config and weights belong to different models.");
        }

        if (!weight.IsFloating)
            throw new InvalidInputException($"{origin}: tensor \"{nameInFile(name)}\" is of type {weight.Type}, but weights must be floating-point numbers. The model is quantized or damaged.");
        if (!taken.TryGetValue(name, out var tensor))
            taken.Add(name, tensor = read(weight).DetachFromDisposeScope());
        return tensor;
    }
}

/// <summary>A weight in a file.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Read">Produces the tensor.</param>
internal sealed record StoredWeight(IReadOnlyList<long> Shape, Func<Tensor> Read)
{
    /// <summary>Type of its elements in the file; float32 by default.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float32;

    /// <summary>The stored eight-bit floating-point format; null for other types.</summary>
    internal Float8? Packing { get; init; }

    /// <summary>Produces the tensor for layers that accept a narrower type than that of the arithmetic; null if it has no such type.</summary>
    public Func<Tensor>? ReadMatrix { get; init; }

    /// <summary>Whether such layers read it without a copy.</summary>
    public bool IsMapped { get; init; }

    /// <summary>Whether its elements are floating-point numbers, as required for computation.</summary>
    public bool IsFloating => Type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);
}
