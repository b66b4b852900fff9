using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>An inversion method together with an editing method.</summary>
/// <param name="Inversion">The inversion method.</param>
/// <param name="Editing">The name of the editing method.</param>
internal sealed record PieBenchMethod(InversionMethod Inversion, string Editing)
{
    private const string TargetPrompt = "prompt";

    private static readonly string PromptToPrompt = new PromptToPromptMethod().Name;

    // The published settings.
    private const double CrossSteps = 0.4, SelfSteps = 0.6;
    private const float TargetWeight = 2;

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
    ];

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
    /// The edit of an item. Prompt-to-Prompt has the settings of the published evaluation: refinement, cross-attention from the source in the first 40 % of
    /// the steps and self-attention in the first 60 %, a local blend of the item's words, and twice the attention on those of the target. The others have the
    /// defaults of their papers.
    /// </summary>
    public EditRequest Request(PieBenchItem item) => Editing == TargetPrompt
        ? new() { Prompts = [item.TargetPrompt], CrossSteps = new(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) }
        : Editing != PromptToPrompt ? new() { Prompts = [item.TargetPrompt], Method = EditMethod.Named(Editing) }
        : new()
        {
            Prompts = [item.TargetPrompt],
            Alignment = AlignmentKind.Refine,
            CrossSteps = new(StepWindow.Until(CrossSteps)),
            SelfSteps = StepWindow.Until(SelfSteps),
            Blend = item.Blend.Count == 0 ? null : BlendWords.Parse($"{string.Join(',', item.Blend.Select(words => words.Source))}:{string.Join(',', item.Blend.Select(words => words.Target))}"),
            Weights = [.. item.Blend.Select(words => new WordWeight(words.Target, TargetWeight))],
        };
}
