using System.Text.Json.Nodes;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>An inversion method together with an editing method.</summary>
/// <param name="Inversion">The inversion method.</param>
/// <param name="Editing">The name of the editing method.</param>
internal sealed record PieBenchMethod(InversionMethod Inversion, string Editing)
{
    private const string TargetPrompt = "prompt";

    private static readonly string PromptToPrompt = new PromptToPromptMethod().Name;

    // The published settings.
    private const string CrossSteps = "0.4", SelfSteps = "0.6", TargetWeight = "2";
    private const double UnifiedGuidance = 2.3;
    private const string UnifiedThreshold = "0.55";

    /// <summary>
    /// All methods: DDIM with the target prompt alone, each inversion with Prompt-to-Prompt, and the other editing methods with the inversions of their published
    /// evaluations.
    /// </summary>
    public static IReadOnlyList<PieBenchMethod> All { get; } =
    [
        new(new DdimInversion(), TargetPrompt),
        .. InversionMethod.Names.Select(name => new PieBenchMethod(InversionMethod.Named(name), PromptToPrompt)),
        .. from editing in new EditMethod[] { new MasaCtrl(), new PlugAndPlay() }
           from inversion in new InversionMethod[] { new DdimInversion(), new DirectInversion() }
           select new PieBenchMethod(inversion, editing.Name),
        new(new UniInversion { Depth = new UniEdit().EditDepth }, new UniEdit().Name),
        new(TurboEdit.Inversion, new TurboEdit().Name),
        new(new VirtualInversion(), new InfEdit().Name) { Guidance = UnifiedGuidance },
        new(LeditsPlusPlus.Inversion, new LeditsPlusPlus().Name),
    ];

    /// <summary>Guidance of the edits; null for that of the run.</summary>
    public double? Guidance { get; init; }

    /// <summary>The method's name.</summary>
    public string Name => $"{Inversion.Name}+{Editing}";

    /// <summary>The methods with given names; all for none.</summary>
    /// <exception cref="InvalidInputException">A name is unknown.</exception>
    public static IReadOnlyList<PieBenchMethod> Named(IReadOnlyList<string> names)
    {
        var unknown = names.FirstOrDefault(name => All.All(method => method.Name != name));
        InvalidInputException.Require(unknown is null, $"The method \"{unknown}\" is unknown. Use {InvalidInputException.AnyOf([.. All.Select(method => method.Name)])}.");
        return names.Count == 0 ? All : [.. All.Where(method => names.Contains(method.Name))];
    }

    /// <summary>
    /// The prompt that an item's image is inverted with. MasaCtrl and Plug-and-Play are evaluated with the empty prompt, so that both halves of guidance read
    /// the same source.
    /// </summary>
    public string SourcePrompt(PieBenchItem item) => Editing == new MasaCtrl().Name || Editing == new PlugAndPlay().Name ? "" : item.SourcePrompt;

    /// <summary>
    /// The settings of an item. Prompt-to-Prompt has those of the published evaluation: refinement, cross-attention from the source in the first 40 % of the steps
    /// and self-attention in the first 60 %, a local blend of the item's words, and twice the attention on those of the target. InfEdit has a local blend, too. The others
    /// have their default options. The edit is what the model decodes.
    /// </summary>
    public SettingValues Settings(PieBenchItem item)
    {
        var values = SettingValues.None.With(BatchSettings.Method, Editing == TargetPrompt ? Inversion.Name : Name).With(BatchSettings.OverOriginal, BatchSetting.Flag(false));
        if (Editing == TargetPrompt)
            return values.With(BatchSettings.Cross, "0").With(BatchSettings.Self, "0");
        if (Editing == new InfEdit().Name)
            return item.Blend.Count == 0 ? values : values.With("blend", Words(item)).With("blend_threshold", UnifiedThreshold).With("blend_start", "0");
        if (Editing != PromptToPrompt)
            return values;
        values = values.With("kind", "refine").With(BatchSettings.Cross, CrossSteps).With(BatchSettings.Self, SelfSteps);
        return item.Blend.Count == 0 ? values : values.With("blend", Words(item)).With("weight", string.Join(',', item.Blend.Select(words => $"{words.Target}={TargetWeight}")));
    }

    /// <summary>The edit of an item.</summary>
    public EditRequest Request(PieBenchItem item) => Settings(item).ToSettings().Edit with { Prompts = [item.TargetPrompt] };

    /// <summary>The edit of an item as a line of a plan for <c>p2p batch</c>.</summary>
    /// <param name="item">The item.</param>
    /// <param name="image">Path of its image, for the plan.</param>
    /// <param name="sampling">Steps, guidance and seed.</param>
    public JsonObject PlanLine(PieBenchItem item, string image, SamplingSettings sampling) => Line(item, image, sampling, item.TargetPrompt, Settings(item));

    /// <summary>A line whose edit is the source: an edit with the source's own prompt is one only if nothing may change.</summary>
    /// <param name="item">The item.</param>
    /// <param name="image">Path of its image, for the plan.</param>
    /// <param name="sampling">Steps, guidance and seed.</param>
    /// <param name="tokenizer">The model's tokenizer, which finds a word.</param>
    public JsonObject SourceLine(PieBenchItem item, string image, SamplingSettings sampling, ClipTokenizer tokenizer)
    {
        var prompt = SourcePrompt(item);
        var settings = Settings(item with { Blend = [] });
        // No attention is above the threshold.
        if (tokenizer.Tokenize(prompt).Words is [var word, ..])
            settings = settings.With("blend", word.Text).With("blend_threshold", "1").With("blend_start", "0");
        return Line(item, image, sampling, prompt, settings);
    }

    private JsonObject Line(PieBenchItem item, string image, SamplingSettings sampling, string target, SettingValues settings) => new(
    [
        new("id", item.Id), new("source", SourcePrompt(item)), new("target", target), new("image", image),
        new("seed", sampling.Seed), new("steps", sampling.Steps), new("guidance", Guidance ?? sampling.Guidance),
        .. settings.ToJson().Select(setting => KeyValuePair.Create(setting.Key, setting.Value?.DeepClone())),
    ]);

    private static string Words(PieBenchItem item) => $"{string.Join(',', item.Blend.Select(words => words.Source))}:{string.Join(',', item.Blend.Select(words => words.Target))}";
}
