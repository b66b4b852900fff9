using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>A file with a LoRA or a related adapter.</summary>
internal sealed class LoraFile : IDisposable
{
    private const string AdapterConfig = "adapter_config.json";
    private const string Adapter = "adapter_model";
    private const string Bundle = "bundle_emb.";
    private const string BundledParameters = ".string_to_param.";

    // File names of the weights in a directory written by a tool.
    private static readonly string[] InFolder = [$"{Adapter}.safetensors", $"{Adapter}.bin", "pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin"];

    private readonly Lora lora;
    private readonly StoredTensors file;
    private readonly string? adapterConfig;
    private readonly LoraNotes notes;

    private LoraFile(Lora lora, StoredTensors file)
    {
        this.lora = lora;
        this.file = file;
        var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file.Origin))!, AdapterConfig);
        var isAdapter = Path.GetFileName(file.Origin).StartsWith(Adapter, StringComparison.Ordinal)
            || file.Tensors.Keys.Any(name => name.StartsWith(LoraNames.PeftPrefix, StringComparison.Ordinal));
        adapterConfig = isAdapter && File.Exists(beside) ? beside : null;
        notes = new LoraNotes(file.Origin, file.Metadata, adapterConfig);
        Notes = isAdapter && adapterConfig is null && !file.Metadata.ContainsKey(LoraNotes.NoteName) && !file.Tensors.Keys.Any(name => LoraTensor.Parse(name)?.Matrix == LoraMatrix.Alpha)
            ? [.. notes.Said, $"{file.Origin}: there is no {AdapterConfig} next to it, so its alpha is unknown; assuming alpha = rank"]
            : notes.Said;
    }

    /// <summary>Warnings for the user; usually empty.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>The files that define the adapter.</summary>
    public IReadOnlyList<string> Files => adapterConfig is null ? file.Files : [.. file.Files, adapterConfig];

    /// <summary>The bundled words, with their tensors under the names used in embedding files.</summary>
    public IReadOnlyList<(string Word, IReadOnlyDictionary<string, StoredWeight> Tensors)> Words =>
    [
        .. file.Tensors.Where(tensor => IsBundled(tensor.Key))
            .Select(tensor => (Place: PlaceInBundle(tensor.Key), tensor.Value))
            .GroupBy(tensor => tensor.Place.Word, StringComparer.Ordinal)
            .Select(group => (group.Key, (IReadOnlyDictionary<string, StoredWeight>)group.ToDictionary(tensor => tensor.Place.Name, tensor => tensor.Value, StringComparer.Ordinal))),
    ];

    /// <summary>Opens a file, or the file in a directory written by peft or diffusers.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or needs an unsupported setting.</exception>
    public static LoraFile Open(Lora lora)
    {
        var file = StoredTensors.Open(Directory.Exists(lora.Path) ? In(lora.Path) : lora.Path);
        try
        {
            return new LoraFile(lora, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The changes to a model's weights.</summary>
    /// <param name="names">The possible names of the model's weights.</param>
    /// <param name="model">The model's name in errors.</param>
    /// <param name="shapeOf">The shape of a weight; null if the model does not have it.</param>
    /// <exception cref="InvalidInputException">The file is not a LoRA, or was made for another type of model.</exception>
    public IReadOnlyDictionary<WeightName, WeightChange> Changes(LoraNames names, string model, Func<WeightName, IReadOnlyList<long>?> shapeOf)
    {
        var changes = new Dictionary<WeightName, WeightChange>();
        foreach (var module in Modules())
        {
            var layer = names.Find(module.Name)
                ?? throw Invalid($"changes \"{module.Name}\", which {model} does not have; it was made for another type of model");
            foreach (var (target, form) in Targets(module, layer))
            {
                var change = Change(module, target, form);
                var shape = shapeOf(target) ?? throw Invalid($"changes the bias of \"{module.Name}\", which has none in {model}; it was made for another type of model");
                if (!change.Fits(shape))
                    throw Invalid($"changes \"{module.Name}\" by {change}, but in {model} it is [{string.Join(", ", shape)}]; it was made for another type of model");
                if (!changes.TryAdd(target, change))
                    throw Invalid($"changes {target.Part}/{target.Name} twice, once as \"{module.Name}\"; download it again");
            }
        }

        return changes;
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>The weight and the bias of a layer that the file changes, each with its form.</summary>
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

    private WeightChange Change(LoraModule module, WeightName target, LoraForm form)
    {
        var factors = module.Factors(form);
        var alpha = module[LoraMatrix.Alpha];
        if (!factors.All(factor => factor.IsComplete) || alpha is { Count: not 1 })
            throw OnlyPart(module);
        var rank = factors.Select(factor => factor.Rank).FirstOrDefault(rank => rank is not null);
        if (form != LoraForm.OfBias)
            notes.RequireFits(target, rank, module.Magnitude);
        // peft also applies its scale to matrices stored as a whole; LyCORIS does not scale them.
        var scaleRank = rank ?? (form.Matrices.Contains(LoraMatrix.Kronecker1) ? notes.RankOf(target) : null);
        return new WeightChange($"{lora.Path}: the change of \"{module.Name}\"", form, factors, lora.Weight)
        {
            Scale = () => scaleRank is null ? 1 : notes.Scale(target, scaleRank.Value, alpha is null ? null : Number(alpha)),
            Magnitude = form == LoraForm.OfBias ? null : module.Magnitude,
        };
    }

    private List<LoraModule> Modules()
    {
        var modules = new Dictionary<string, LoraModule>(StringComparer.Ordinal);
        var names = file.Tensors.Keys.Where(name => !IsBundled(name)).Order(StringComparer.Ordinal).ToList();
        if (names.Select(LoraTensor.OtherKind).FirstOrDefault(kind => kind is not null) is { } other)
            throw Invalid($"contains an adapter of type {other}, which is not supported; use a LoRA, LoHa, LoKr or DoRA");
        if (!names.Exists(name => LoraTensor.Parse(name) is { Matrix: not LoraMatrix.Alpha }))
            throw Invalid("contains no LoRA: none of its tensors is named …lora_down.weight, …lora_A.weight, …hada_w1_a, …lokr_w1 or …diff");
        foreach (var name in names)
        {
            var tensor = LoraTensor.Parse(name) ?? throw Invalid($"contains a tensor \"{name}\", which is not part of a LoRA");
            if (!modules.TryGetValue(tensor.Module, out var module))
                modules.Add(tensor.Module, module = new LoraModule(tensor.Module));
            if (tensor.Matrix != LoraMatrix.Alpha && !file.Tensors[name].IsFloating)
                throw Invalid($"contains \"{name}\" as {file.Tensors[name].Type}, but weights must be floating-point numbers; it is quantized or damaged");
            if (!module.Add(tensor, file.Tensors[name]))
                throw Invalid($"changes \"{tensor.Module}\" twice, once as \"{name}\"; download it again");
        }

        return [.. modules.Values];
    }

    private static string In(string folder) =>
        InFolder.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? (Directory.GetFiles(folder, "*.safetensors") is [var only] ? only : throw new InvalidInputException(
            $"{folder} is a directory without {InFolder[0]} or {InFolder[2]}. Use the path of the LoRA file."));

    private static bool IsBundled(string name) => name.StartsWith(Bundle, StringComparison.Ordinal);

    // "bundle_emb.WORD.string_to_param.*" and "bundle_emb.WORD.clip_l"; words may contain dots.
    private static (string Word, string Name) PlaceInBundle(string name)
    {
        var rest = name[Bundle.Length..];
        var parameters = rest.IndexOf(BundledParameters, StringComparison.Ordinal);
        if (parameters >= 0)
            return (rest[..parameters], rest[(parameters + BundledParameters.Length)..]);
        var dot = rest.LastIndexOf('.');
        return dot < 0 ? (rest, "*") : (rest[..dot], rest[(dot + 1)..]);
    }

    private static double Number(StoredWeight stored)
    {
        using var scope = NewDisposeScope();
        return stored.Read().to(ScalarType.Float64).item<double>();
    }

    private InvalidInputException OnlyPart(LoraModule module) => Invalid($"contains only a part of the change of \"{module.Name}\"; download it again");

    private InvalidInputException Invalid(string what) => new($"{lora.Path} {what}.");
}
