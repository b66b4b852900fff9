using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>A position in a checkpoint's tree of dotted names: <c>weights["down_blocks"][0]["resnets"]</c>.</summary>
/// <param name="source">The source of the weights.</param>
/// <param name="prefix">The dotted name of this position, empty at the root.</param>
internal readonly struct WeightScope(WeightSource source, string prefix)
{
    /// <summary>The child position with this name.</summary>
    public WeightScope this[string child] => new(source, prefix.Length == 0 ? child : $"{prefix}.{child}");

    /// <summary>The child position with this index.</summary>
    public WeightScope this[int child] => this[child.ToString(System.Globalization.CultureInfo.InvariantCulture)];

    /// <summary>Whether a weight with this name exists below this position.</summary>
    public bool Has(string name) => source.Has(this[name].Name);

    /// <summary>Number of dimensions of the stored weight with this name; 0 if the source does not store weights.</summary>
    public int Rank(string name) => source.Rank(this[name].Name);

    /// <summary>Returns the weight with this name below this position.</summary>
    /// <inheritdoc cref="WeightSource.Take"/>
    public Tensor Take(string name, WeightInit init, long fanIn, params ReadOnlySpan<long> shape)
        => source.Take(this[name].Name, init, fanIn, shape);

    /// <summary>Returns the matrix or convolution kernel with this name below this position.</summary>
    /// <inheritdoc cref="WeightSource.TakeMatrix"/>
    public Tensor TakeMatrix(string name, WeightInit init, long fanIn, params ReadOnlySpan<long> shape)
        => source.TakeMatrix(this[name].Name, init, fanIn, shape);

    /// <summary>Returns the matrices with these names below this position as a single one.</summary>
    /// <inheritdoc cref="WeightSource.TakeStacked"/>
    public Tensor? TakeStacked(IEnumerable<string> names, params ReadOnlySpan<long> shape)
    {
        var prefix = this;
        return source.TakeStacked([.. names.Select(name => prefix[name].Name)], shape);
    }

    /// <inheritdoc cref="WeightSource.Keep"/>
    public Tensor? Keep(Func<Tensor> derive) => source.Keep(derive);

    /// <summary>The dotted name of this position.</summary>
    public string Name => prefix;
}
