using System.Text;
using PromptToPrompt.Diffusion.Weights;

namespace PromptToPrompt.Diffusion.Checkpoints.Adapters;

/// <summary>A LoRA file.</summary>
internal sealed class LoraFile : IDisposable
{
    private const string Notes = "lora_adapter_metadata";
    private static readonly string[] Noted = [.. ModelParts.TextEncoders, ModelParts.UNet];

    private readonly Lora lora;
    private readonly StoredTensors file;

    private LoraFile(Lora lora, StoredTensors file) => (this.lora, this.file) = (lora, file);

    /// <summary>Opens a file.</summary>
    /// <exception cref="InvalidInputException">It cannot be read.</exception>
    public static LoraFile Open(Lora lora) => new(lora, StoredTensors.Open(lora.Path));

    /// <summary>The changes that it makes to a model's weights.</summary>
    /// <param name="names">What the model's weights may be called.</param>
    /// <param name="model">What errors call the model.</param>
    /// <param name="shapeOf">The shape of a weight.</param>
    /// <exception cref="InvalidInputException">It is no LoRA, or one for another kind of model.</exception>
    public IReadOnlyDictionary<WeightName, LoraChange> ChangesOf(LoraNames names, string model, Func<WeightName, IReadOnlyList<long>> shapeOf)
    {
        var changes = new Dictionary<WeightName, LoraChange>();
        var notedAlphas = NotedAlphas();
        foreach (var (module, tensors) in Modules())
        {
            var target = names.Find(module)
                ?? throw Invalid($"changes \"{module}\", which {model} does not have; it was made for another kind of model");
            if (!tensors.TryGetValue(LoraRole.Down, out var down) || !tensors.TryGetValue(LoraRole.Up, out var up))
                throw Invalid($"has only a part of the change of \"{module}\"; download it again");
            var change = new LoraChange(down, tensors.GetValueOrDefault(LoraRole.Mid), up, tensors.GetValueOrDefault(LoraRole.Alpha), lora.Weight)
            {
                NotedAlpha = notedAlphas.TryGetValue(target.Part, out var alpha) ? alpha : null,
            };
            if (!change.Fits(shapeOf(target)))
            {
                throw Invalid(
                    $"changes \"{module}\" by [{string.Join(", ", up.Shape)}] times [{string.Join(", ", down.Shape)}], but in {model} it is [{string.Join(", ", shapeOf(target))}]; "
                    + "it was made for another kind of model");
            }

            if (!changes.TryAdd(target, change))
                throw Invalid($"changes {target.Part}/{target.Name} twice, once as \"{module}\"; download it again");
        }

        return changes;
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>Alpha of each part in the notes of diffusers: one JSON object of settings, their names prefixed with the part's.</summary>
    private Dictionary<string, double> NotedAlphas()
    {
        if (!file.Metadata.TryGetValue(Notes, out var text))
            return [];
        var notes = JsonConfig.Parse($"{lora.Path} (note {Notes})", Encoding.UTF8.GetBytes(text));
        foreach (var part in Noted)
            notes.Expect($"{part}.use_rslora", false);
        return Noted.Where(part => notes.Has($"{part}.lora_alpha")).ToDictionary(part => part, part => notes.Number($"{part}.lora_alpha"));
    }

    private Dictionary<string, Dictionary<LoraRole, StoredWeight>> Modules()
    {
        var modules = new Dictionary<string, Dictionary<LoraRole, StoredWeight>>(StringComparer.Ordinal);
        var names = file.Tensors.Keys.Order(StringComparer.Ordinal).ToList();
        if (names.Select(LoraTensor.OtherKind).FirstOrDefault(kind => kind is not null) is { } other)
            throw Invalid($"holds a {other} adapter, which is not supported; give a LoRA");
        if (!names.Exists(name => LoraTensor.Parse(name) is { Role: LoraRole.Down }))
            throw Invalid("holds no LoRA: none of its tensors is called …lora_down.weight or …lora_A.weight");
        foreach (var name in names)
        {
            var tensor = LoraTensor.Parse(name) ?? throw Invalid($"holds a tensor \"{name}\", which belongs to no LoRA");
            if (!modules.TryGetValue(tensor.Module, out var found))
                modules.Add(tensor.Module, found = []);
            found[tensor.Role] = file.Tensors[name];
        }

        return modules;
    }

    private InvalidInputException Invalid(string what) => new($"--lora {lora.Path} {what}.");
}
