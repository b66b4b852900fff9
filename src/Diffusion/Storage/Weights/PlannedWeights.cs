using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>
/// Records the weights that a model requests, in <see cref="Requests"/>; its tensors have shapes but no data.
/// </summary>
/// <param name="stored">The stored weights, for models that choose between alternative names; null for none.</param>
internal sealed class PlannedWeights(IReadOnlyDictionary<string, StoredWeight>? stored = null) : WeightSource
{
    private readonly List<Tensor> tensors = [];
    private readonly List<WeightRequest> requests = [];

    /// <summary>All requests so far, in order.</summary>
    public IReadOnlyList<WeightRequest> Requests => requests;

    /// <inheritdoc/>
    public override bool Has(string name) => stored?.ContainsKey(name) == true;

    /// <inheritdoc/>
    public override int Rank(string name) => stored?.GetValueOrDefault(name)?.Shape.Count ?? 0;

    /// <inheritdoc/>
    public override Tensor Take(string name, WeightInit init, long fanIn, ReadOnlySpan<long> shape)
    {
        var request = new WeightRequest(name, init, fanIn, shape.ToArray());
        requests.Add(request);
        var tensor = empty(request.Shape.ToArray(), device: META).DetachFromDisposeScope();
        tensors.Add(tensor);
        return tensor;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        tensors.ForEach(tensor => tensor.Dispose());
        tensors.Clear();
    }
}

/// <summary>One weight requested by a model; the parameters are those of <see cref="WeightSource.Take"/>.</summary>
internal sealed record WeightRequest(string Name, WeightInit Init, long FanIn, IReadOnlyList<long> Shape);
