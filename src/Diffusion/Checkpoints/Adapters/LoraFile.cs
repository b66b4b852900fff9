using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Checkpoints.Adapters;

/// <summary>A file of a LoRA or of one of its relatives.</summary>
internal sealed class LoraFile : IDisposable
{
    private readonly Lora lora;
    private readonly StoredTensors file;

    private LoraFile(Lora lora, StoredTensors file) => (this.lora, this.file) = (lora, file);

    /// <summary>Opens a file.</summary>
    /// <exception cref="InvalidInputException">It cannot be read.</exception>
    public static LoraFile Open(Lora lora) => new(lora, StoredTensors.Open(lora.Path));

    /// <summary>The changes that it makes to a model's weights.</summary>
    /// <param name="names">What the model's weights may be called.</param>
    /// <param name="model">What errors call the model.</param>
    /// <param name="shapeOf">The shape of a weight; null for one that the model has not.</param>
    /// <exception cref="InvalidInputException">It is no LoRA, or one for another kind of model.</exception>
    public IReadOnlyDictionary<WeightName, WeightChange> Changes(LoraNames names, string model, Func<WeightName, IReadOnlyList<long>?> shapeOf)
    {
        var notes = new LoraNotes(lora.Path, file.Metadata);
        var changes = new Dictionary<WeightName, WeightChange>();
        foreach (var module in Modules())
        {
            var layer = names.Find(module.Name)
                ?? throw Invalid($"changes \"{module.Name}\", which {model} does not have; it was made for another kind of model");
            foreach (var (target, form) in Targets(module, layer))
            {
                var change = Change(module, target, form, notes);
                var shape = shapeOf(target) ?? throw Invalid($"changes the bias of \"{module.Name}\", which has none in {model}; it was made for another kind of model");
                if (!change.Fits(shape))
                    throw Invalid($"changes \"{module.Name}\" by {change}, but in {model} it is [{string.Join(", ", shape)}]; it was made for another kind of model");
                if (!changes.TryAdd(target, change))
                    throw Invalid($"changes {target.Part}/{target.Name} twice, once as \"{module.Name}\"; download it again");
            }
        }

        return changes;
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>The weight and the bias of a layer, where the file changes them, each with how it does.</summary>
    private IEnumerable<(WeightName Target, LoraForm Form)> Targets(LoraModule module, WeightName layer)
    {
        var forms = module.WeightForms;
        var hasBias = module[LoraMatrix.BiasDifference] is not null;
        if (forms.Count > 1)
            throw Invalid($"changes \"{module.Name}\" in {forms.Count} ways at once; download it again");
        if (forms.Count == 0 && (!hasBias || module.Magnitude is not null))
            throw OnlyPart(module);
        foreach (var form in forms)
            yield return (layer, form);
        if (hasBias)
            yield return (layer with { Name = LoraNames.BiasOf(layer.Name) }, LoraForm.OfBias);
    }

    private WeightChange Change(LoraModule module, WeightName target, LoraForm form, LoraNotes notes)
    {
        var factors = module.Factors(form);
        var alpha = module[LoraMatrix.Alpha];
        if (!factors.All(factor => factor.IsComplete) || alpha is { Count: not 1 })
            throw OnlyPart(module);
        return new WeightChange($"--lora {lora.Path}: the change of \"{module.Name}\"", form, factors, lora.Weight)
        {
            Scale = rank => notes.Scale(target, rank, alpha is null ? null : Number(alpha)),
            Magnitude = form == LoraForm.OfBias ? null : module.Magnitude,
        };
    }

    private List<LoraModule> Modules()
    {
        var modules = new Dictionary<string, LoraModule>(StringComparer.Ordinal);
        var names = file.Tensors.Keys.Order(StringComparer.Ordinal).ToList();
        if (names.Select(LoraTensor.OtherKind).FirstOrDefault(kind => kind is not null) is { } other)
            throw Invalid($"holds an adapter of the kind {other}, which is not supported; give a LoRA, LoHa, LoKr or DoRA");
        if (!names.Exists(name => LoraTensor.Parse(name) is { Matrix: not LoraMatrix.Alpha }))
            throw Invalid("holds no LoRA: none of its tensors is called …lora_down.weight, …lora_A.weight, …hada_w1_a, …lokr_w1 or …diff");
        foreach (var name in names)
        {
            var tensor = LoraTensor.Parse(name) ?? throw Invalid($"holds a tensor \"{name}\", which belongs to no LoRA");
            if (!modules.TryGetValue(tensor.Module, out var module))
                modules.Add(tensor.Module, module = new LoraModule(tensor.Module));
            if (tensor.Matrix != LoraMatrix.Alpha && !file.Tensors[name].IsFloating)
                throw Invalid($"holds \"{name}\" as {file.Tensors[name].Type}, but weights are floating-point numbers; it is quantised or damaged");
            if (!module.Add(tensor, file.Tensors[name]))
                throw Invalid($"changes \"{tensor.Module}\" twice, once as \"{name}\"; download it again");
        }

        return [.. modules.Values];
    }

    private static double Number(StoredWeight stored)
    {
        using var scope = NewDisposeScope();
        return stored.Read().to(ScalarType.Float64).item<double>();
    }

    private InvalidInputException OnlyPart(LoraModule module) => Invalid($"has only a part of the change of \"{module.Name}\"; download it again");

    private InvalidInputException Invalid(string what) => new($"--lora {lora.Path} {what}.");
}
