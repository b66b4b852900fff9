using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>The LoRAs of a model. They are added to its weights during loading, so they cost no time in a run.</summary>
internal sealed class AppliedLoras : IDisposable
{
    private readonly List<LoraFile> files = [];
    private readonly ILookup<WeightName, WeightChange> changes;

    /// <param name="loras">The LoRAs.</param>
    /// <param name="model">The model's name in errors.</param>
    /// <param name="shape">The model's config.</param>
    /// <param name="stored">The stored weights of a part.</param>
    /// <exception cref="InvalidInputException">A file is not a LoRA, or was made for another type of model.</exception>
    public AppliedLoras(IReadOnlyList<Lora> loras, string model, ModelConfig shape, Func<string, PartWeights> stored)
    {
        try
        {
            files.AddRange(loras.Select(LoraFile.Open));
            var names = new LoraNames(shape, part => stored(part).Tensors.Keys);
            changes = files.SelectMany(file => file.Changes(names, model, target => stored(target.Part).Tensors.GetValueOrDefault(target.Name)?.Shape))
                .ToLookup(change => change.Key, change => change.Value);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The files that define the changes.</summary>
    public IEnumerable<string> Files => files.SelectMany(file => file.Files);

    /// <summary>Warnings for the user; usually empty.</summary>
    public IEnumerable<string> Notes => files.SelectMany(file => file.Notes);

    /// <summary>Adds the changes to a part's weights.</summary>
    public PartWeights AddTo(string part, PartWeights weights) => weights with
    {
        Tensors = weights.Tensors.ToDictionary(
            tensor => tensor.Key,
            tensor => changes.Contains(new(part, tensor.Key)) ? WeightChange.Add(tensor.Value, changes[new(part, tensor.Key)]) : tensor.Value,
            StringComparer.Ordinal),
    };

    /// <inheritdoc/>
    public void Dispose() => files.ForEach(file => file.Dispose());
}
