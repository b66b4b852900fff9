using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options of the editing methods other than Prompt-to-Prompt.</summary>
internal sealed class MethodOptions
{
    /// <summary>The option with the concepts of LEDITS++.</summary>
    public const string Concepts = "--concept";

    private static readonly MasaCtrl Masa = new();
    private static readonly PlugAndPlay Features = new();
    private static readonly UniEdit Uni = new();
    private static readonly LeditsPlusPlus Ledits = new();
    private static readonly TurboEdit Turbo = new();
    private static readonly InfEdit Unified = new();

    private readonly Option<double> shareStart = Parsed.Number("--share-start", "MasaCtrl: part of the steps before the edit reads the source's appearance", Masa.ShareStart).In(HelpGroup.Methods);
    private readonly Option<int> shareLayer = Parsed.Number("--share-layer", $"MasaCtrl: first layer that reads it, as in the {MasaCtrl.Layers} layers of Stable Diffusion 1", Masa.ShareLayer).In(HelpGroup.Methods);

    private readonly Option<string?> subject = new Option<string?>("--subject")
    {
        Description = "MasaCtrl: words of the subject, which keeps it apart from the background: comma-separated, or SOURCEWORDS:TARGETWORDS[:TARGET2WORDS…]",
        HelpName = "words",
    }.In(HelpGroup.Methods);

    private readonly Option<double> subjectThreshold = Parsed.Number("--subject-threshold", "MasaCtrl: attention threshold of the subject's region", Masa.SubjectThreshold).In(HelpGroup.Methods);

    private readonly Option<double> attentionSteps = Parsed.Number("--attention-steps", "Plug-and-Play: part of the steps that uses the source's self-attention", Features.AttentionSteps).In(HelpGroup.Methods);
    private readonly Option<double> featureSteps = Parsed.Number("--feature-steps", "Plug-and-Play: part of the steps that uses the source's features", Features.FeatureSteps).In(HelpGroup.Methods);

    private readonly Option<double> strength = Parsed.Number("--strength", "Uni-Edit: how strongly the edit departs from the source", Uni.Strength).In(HelpGroup.Methods);
    private readonly Option<double> editDepth = Parsed.Number("--edit-depth", "Uni-Edit: part of the steps, above 0 up to 1, that is inverted and edited; less keeps more of the structure", Uni.EditDepth).In(HelpGroup.Methods);

    private readonly Option<string[]> concepts = new Option<string[]>(Concepts)
    {
        Description = "LEDITS++: a thing to add, or with - to remove (--concept=-tree), in place of the difference of the prompts: hat, \"red hat=8\" (scale), hat@0.1..0.8 (part of the steps). Repeatable",
        HelpName = "words",
    }.In(HelpGroup.Methods);

    private readonly Option<double> conceptScale = Parsed.Number("--concept-scale", "LEDITS++: how strongly concepts act", Ledits.ConceptScale).In(HelpGroup.Methods);
    private readonly Option<double> warmUp = Parsed.Number("--warm-up", "LEDITS++: part of the edited steps before concepts act; more keeps more of the layout", Ledits.WarmUp).In(HelpGroup.Methods);
    private readonly Option<double> maskQuantile = Parsed.Number("--mask-quantile", "LEDITS++: part of the image that each of a concept's two masks leaves alone, 0 to 1", Ledits.MaskQuantile).In(HelpGroup.Methods);
    private readonly Option<double> pseudoGuidance = Parsed.Number("--pseudo-guidance", "TurboEdit: how strongly the edit follows its prompt", Turbo.PseudoGuidance).In(HelpGroup.Methods);
    private readonly Option<double> crossPart = Parsed.Number("--cross-part", "InfEdit: part of the steps that uses the source's cross-attention", Unified.CrossPart).In(HelpGroup.Methods);
    private readonly Option<double> selfPart = Parsed.Number("--self-part", "InfEdit: part of the steps that uses the source's self-attention; less lets the layout change", Unified.SelfPart).In(HelpGroup.Methods);

    // The options of each method, by its name.
    private IEnumerable<(string Method, Option[] Options)> All =>
    [
        (Masa.Name, [shareStart, shareLayer, subject, subjectThreshold]),
        (Features.Name, [attentionSteps, featureSteps]),
        (Uni.Name, [strength, editDepth]),
        (Ledits.Name, [concepts, conceptScale, warmUp, maskQuantile]),
        (Turbo.Name, [pseudoGuidance]),
        (Unified.Name, [crossPart, selfPart]),
    ];

    /// <summary>Advice that makes the rows of an edit independent of each other; null if they are.</summary>
    /// <param name="method">The method.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="nameOf">Maps a setting to what gives it; null for its option.</param>
    public static string? RowByRow(EditMethod method, int steps, Func<string, string>? nameOf = null) => method.TakesAllRows(steps) ? method.RowByRowAdvice(nameOf ?? OptionNames.Of) : null;

    public void AddTo(Command command)
    {
        foreach (var option in All.SelectMany(each => each.Options))
            command.Add(option);
    }

    /// <summary>Whether <c>--concept</c> is given.</summary>
    public bool HasConcepts(ParseResult parse) => parse.GetValue(concepts) is { Length: > 0 };

    /// <summary>A method with the given options.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="method">The chosen method.</param>
    /// <exception cref="InvalidInputException">An option of another method was given.</exception>
    public EditMethod Read(ParseResult parse, EditMethod method)
    {
        foreach (var (other, options) in All.Where(each => each.Method != method.Name))
        {
            if (options.FirstOrDefault(parse.IsGiven) is { } given)
                throw new InvalidInputException(given.Name, $"It is an option of {other}, and the editing method is {method.Name}.", $"Add --method {other}, or leave it out.");
        }

        return method switch
        {
            MasaCtrl => new MasaCtrl
            {
                ShareStart = parse.GetValue(shareStart),
                ShareLayer = parse.GetValue(shareLayer),
                Subject = parse.GetValue(subject) is { } words ? Parsed.Named(subject.Name, () => BlendWords.Parse(words)) : null,
                SubjectThreshold = parse.GetValue(subjectThreshold),
            },
            PlugAndPlay => new PlugAndPlay { AttentionSteps = parse.GetValue(attentionSteps), FeatureSteps = parse.GetValue(featureSteps) },
            UniEdit => new UniEdit { Strength = parse.GetValue(strength), EditDepth = parse.GetValue(editDepth) },
            LeditsPlusPlus => new LeditsPlusPlus
            {
                Concepts = Parsed.Named(concepts.Name, () => (parse.GetValue(concepts) ?? []).Select(EditConcept.Parse).ToArray()),
                ConceptScale = parse.GetValue(conceptScale),
                WarmUp = parse.GetValue(warmUp),
                MaskQuantile = parse.GetValue(maskQuantile),
            },
            TurboEdit => new TurboEdit { PseudoGuidance = parse.GetValue(pseudoGuidance) },
            InfEdit => new InfEdit { CrossPart = parse.GetValue(crossPart), SelfPart = parse.GetValue(selfPart) },
            var other => other,
        };
    }
}
