using PromptToPrompt.Diffusion.Weights;

namespace PromptToPrompt.Diffusion.Checkpoints.Adapters;

/// <summary>What is added to a model's weights while they are loaded, so that nothing of it costs time in a run.</summary>
internal sealed class ModelAdapters : IDisposable
{
    private readonly List<LoraFile> files = [];
    private readonly ILookup<WeightName, LoraChange> changes;

    /// <param name="options">Which adapters.</param>
    /// <param name="model">What errors call the model.</param>
    /// <param name="shape">The model's shape.</param>
    /// <param name="stored">The weights of a part as they are stored.</param>
    /// <exception cref="InvalidInputException">One of them is none, or was made for another kind of model.</exception>
    public ModelAdapters(ModelLoadOptions options, string model, ModelShape shape, Func<string, PartWeights> stored)
    {
        try
        {
            files.AddRange(options.Loras.Select(LoraFile.Open));
            if (files.Count == 0)
            {
                changes = Array.Empty<KeyValuePair<WeightName, LoraChange>>().ToLookup(change => change.Key, change => change.Value);
                return;
            }

            var names = new LoraNames(shape, part => stored(part).Tensors.Keys);
            changes = files.SelectMany(file => file.ChangesOf(names, model, target => stored(target.Part).Tensors[target.Name].Shape))
                .ToLookup(change => change.Key, change => change.Value);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A part's weights with what is added to them.</summary>
    public PartWeights Apply(string part, PartWeights weights) => weights with
    {
        Tensors = weights.Tensors.ToDictionary(
            tensor => tensor.Key,
            tensor => changes[new WeightName(part, tensor.Key)].Aggregate(tensor.Value, (weight, change) => change.ApplyTo(weight)),
            StringComparer.Ordinal),
    };

    /// <inheritdoc/>
    public void Dispose() => files.ForEach(file => file.Dispose());
}
