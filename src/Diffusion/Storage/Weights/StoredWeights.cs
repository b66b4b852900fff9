using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>Weights that exist: each has a name, a shape and a way to be read. Keeps account of which were asked for.</summary>
internal sealed class StoredWeights : WeightSource
{
    private readonly string origin;
    private readonly IReadOnlyDictionary<string, StoredWeight> stored;
    private readonly Func<string, string> nameInFile;
    private readonly Dictionary<string, Tensor> taken = [];
    private readonly List<Tensor> derived = [];

    /// <summary>Creates a source over stored weights.</summary>
    /// <param name="origin">What to call the source in errors, for instance the file's path.</param>
    /// <param name="stored">The weights by name.</param>
    /// <param name="nameInFile">What errors call a weight, where the file has names of its own.</param>
    public StoredWeights(string origin, IReadOnlyDictionary<string, StoredWeight> stored, Func<string, string>? nameInFile = null)
    {
        this.origin = origin;
        this.stored = stored;
        this.nameInFile = nameInFile ?? (name => name);
    }

    /// <summary>Names nobody asked for: what the file holds beyond the model.</summary>
    public IReadOnlyList<string> Unused => [.. stored.Keys.Where(name => !taken.ContainsKey(name)).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public override bool Has(string name) => stored.ContainsKey(name);

    /// <inheritdoc/>
    public override int Rank(string name) => stored.TryGetValue(name, out var weight) ? weight.Shape.Count : 0;

    /// <inheritdoc/>
    public override Tensor Take(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape)
    {
        if (!stored.TryGetValue(name, out var weight))
            throw new InvalidInputException($"{origin} has no tensor \"{nameInFile(name)}\"; the file is incomplete or belongs to another kind of model.");
        if (!weight.Shape.SequenceEqual(shape.ToArray()))
        {
            throw new InvalidInputException(
                $"{origin}: tensor \"{nameInFile(name)}\" has shape [{string.Join(", ", weight.Shape)}] where the config asks for [{string.Join(", ", shape.ToArray())}]; config and weights belong to different models.");
        }

        if (!weight.IsFloating)
            throw new InvalidInputException($"{origin}: tensor \"{nameInFile(name)}\" is of {weight.Type}, but weights are floating-point numbers; the model is quantised or damaged.");
        if (!taken.TryGetValue(name, out var tensor))
            taken.Add(name, tensor = weight.Read().DetachFromDisposeScope());
        return tensor;
    }

    /// <inheritdoc/>
    public override Tensor? Keep(Func<Tensor> derive)
    {
        ArgumentNullException.ThrowIfNull(derive);
        using var _ = no_grad();
        var tensor = derive().DetachFromDisposeScope();
        derived.Add(tensor);
        return tensor;
    }

    /// <summary>Refuses a file that holds tensors the model does not know.</summary>
    /// <param name="mayIgnore">Names that old writers add and nobody needs.</param>
    /// <exception cref="InvalidInputException">A tensor was left over.</exception>
    public void RequireAllUsed(Func<string, bool>? mayIgnore = null)
    {
        var left = Unused.Where(name => mayIgnore?.Invoke(name) != true).ToList();
        if (left.Count > 0)
        {
            throw new InvalidInputException(
                $"{origin} holds {left.Count} tensor(s) that the config does not account for, first \"{nameInFile(left[0])}\"; config and weights belong to different models.");
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
}

/// <summary>A weight in a file.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Read">Produces the tensor.</param>
internal sealed record StoredWeight(IReadOnlyList<long> Shape, Func<Tensor> Read)
{
    /// <summary>The type of its elements in the file; float32 where nobody said.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float32;

    /// <summary>The format of eight-bit floating-point numbers that the elements are stored as; null for others.</summary>
    internal Float8? Packing { get; init; }

    /// <summary>Whether its elements are floating-point numbers, as those of every weight that is computed with are.</summary>
    public bool IsFloating => Type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

    /// <summary>Number of its elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);
}
