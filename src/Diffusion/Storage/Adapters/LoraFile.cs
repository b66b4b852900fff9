using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>A file of a LoRA or of one of its relatives.</summary>
internal sealed class LoraFile : IDisposable
{
    private const string AdapterConfig = "adapter_config.json";
    private const string Adapter = "adapter_model";
    private const string Bundle = "bundle_emb.";
    private const string BundledParameters = ".string_to_param.";

    // What tools call the weights in a folder of their own.
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

    /// <summary>The files that decide what it does.</summary>
    public IReadOnlyList<string> Files => adapterConfig is null ? file.Files : [.. file.Files, adapterConfig];

    /// <summary>Words that are bundled with it, each with its tensors by the names that files of words have.</summary>
    public IReadOnlyList<(string Word, IReadOnlyDictionary<string, StoredWeight> Tensors)> Words =>
    [
        .. file.Tensors.Where(tensor => IsBundled(tensor.Key))
            .Select(tensor => (Place: PlaceInBundle(tensor.Key), tensor.Value))
            .GroupBy(tensor => tensor.Place.Word, StringComparer.Ordinal)
            .Select(group => (group.Key, (IReadOnlyDictionary<string, StoredWeight>)group.ToDictionary(tensor => tensor.Place.Name, tensor => tensor.Value, StringComparer.Ordinal))),
    ];

    /// <summary>Opens a file, or the one in a folder that peft or diffusers wrote.</summary>
    /// <exception cref="InvalidInputException">It cannot be read, or its settings ask for what is not supported.</exception>
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

    /// <summary>The changes that it makes to a model's weights.</summary>
    /// <param name="names">What the model's weights may be called.</param>
    /// <param name="model">What errors call the model.</param>
    /// <param name="shapeOf">The shape of a weight; null for one that the model has not.</param>
    /// <exception cref="InvalidInputException">It is no LoRA, or one for another kind of model.</exception>
    public IReadOnlyDictionary<WeightName, WeightChange> Changes(LoraNames names, string model, Func<WeightName, IReadOnlyList<long>?> shapeOf)
    {
        var changes = new Dictionary<WeightName, WeightChange>();
        foreach (var module in Modules())
        {
            var layer = names.Find(module.Name)
                ?? throw Invalid($"changes \"{module.Name}\", which {model} does not have; it was made for another kind of model");
            foreach (var (target, form) in Targets(module, layer))
            {
                var change = Change(module, target, form);
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

    private WeightChange Change(LoraModule module, WeightName target, LoraForm form)
    {
        var factors = module.Factors(form);
        var alpha = module[LoraMatrix.Alpha];
        if (!factors.All(factor => factor.IsComplete) || alpha is { Count: not 1 })
            throw OnlyPart(module);
        var rank = factors.Select(factor => factor.Rank).FirstOrDefault(rank => rank is not null);
        if (form != LoraForm.OfBias)
            notes.RequireFits(target, rank, module.Magnitude);
        // peft scales by its settings also what it stores whole; LyCORIS takes such matrices as they are.
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

    private static string In(string folder) =>
        InFolder.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
        ?? (Directory.GetFiles(folder, "*.safetensors") is [var only] ? only : throw new InvalidInputException(
            $"{folder} is a folder without {InFolder[0]} or {InFolder[2]}; give the file of the LoRA."));

    private static bool IsBundled(string name) => name.StartsWith(Bundle, StringComparison.Ordinal);

    // "bundle_emb.WORD.string_to_param.*" and "bundle_emb.WORD.clip_l"; words may have dots.
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

    private InvalidInputException OnlyPart(LoraModule module) => Invalid($"has only a part of the change of \"{module.Name}\"; download it again");

    private InvalidInputException Invalid(string what) => new($"{lora.Path} {what}.");
}
