using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options for the edit: weights, time windows, local blend and mask.</summary>
internal sealed class EditOptions
{
    private static readonly EditRequest Standard = new();

    private const string Places = "comma-separated, or SOURCEWORDS:TARGETWORDS[:TARGET2WORDS…] per prompt";

    private readonly AlignmentOptions alignment = new();
    private readonly MethodOptions methods = new();
    private readonly Option<string[]> weights = Text<string[]>("--weight", "Weight of a target word, such as snow=1.5: 1 = unchanged, 0 = ignored. Repeatable", "word=number").In(HelpGroup.Edit);

    private readonly Option<string[]> crossSteps = Text<string[]>(
        "--cross-steps", $"Part of the steps that uses the source's cross-attention: {Standard.CrossSteps.Default} (default), 0.1..0.6, or WORD=0.4 for one word. Repeatable", "part").In(HelpGroup.Edit);

    private readonly Option<string?> selfSteps = Text<string?>("--self-steps", $"Part of the steps that uses the source's self-attention: {Standard.SelfSteps} (default) or 0.1..0.5", "part").In(HelpGroup.Edit);

    private readonly Option<int> selfResolution = Parsed.Of(
        "--self-resolution", "Largest side of the layers that use the source's self-attention: 16, 32 or all", "16, 32 or all",
        text => text is "16" or "32" ? int.Parse(text) : text == "all" ? EditRequest.MaxSelfResolution : throw new FormatException()).In(HelpGroup.Edit);

    private readonly Option<bool> selfUnconditional = new("--self-unconditional")
    {
        Description = "Use the source's self-attention in unconditional rows too, as InstructPix2Pix's data were made",
        Group = HelpGroup.Edit,
    };

    private readonly Option<string?> blend = Text<string?>("--blend", $"Change only the region of these words: {Places}", "words").In(HelpGroup.Blend);
    private readonly Option<string?> blendSubtract = Text<string?>("--blend-subtract", $"Keep the region of these words: {Places}", "words").In(HelpGroup.Blend);
    private readonly Option<double> blendThreshold = Parsed.Number("--blend-threshold", "Attention threshold of the region, relative to the maximum", EditRequest.DefaultBlendThreshold).In(HelpGroup.Blend);
    private readonly Option<double> blendSubtractThreshold = Parsed.Number("--blend-subtract-threshold", "Attention threshold for --blend-subtract", EditRequest.DefaultBlendThreshold).In(HelpGroup.Blend);
    private readonly Option<double> blendStart = Parsed.Number("--blend-start", "Part of the steps before blending starts", EditRequest.DefaultBlendStart).In(HelpGroup.Blend);
    private readonly Option<string?> mask = Text<string?>("--mask", "Mask image: white, or painted on transparency, where the edit may change the image", "file").In(HelpGroup.Blend);
    private readonly Option<ulong?> editSeed = Parsed.OptionalSeed("--edit-seed", "Different seed for the edited images").In(HelpGroup.Experiments);
    private readonly Option<double> editNoise = Parsed.Number("--edit-noise", "Share of the noise of --edit-seed in the noise of the edited images, 0 to 1; the rest is the source's", 1.0).In(HelpGroup.Experiments);

    public EditOptions() => selfResolution.DefaultValueFactory = _ => EditRequest.DefaultSelfResolution;

    public EditOptions AddTo(Command command)
    {
        alignment.AddTo(command);
        foreach (var option in new Option[]
        {
            weights, crossSteps, selfSteps, selfResolution, selfUnconditional, blend, blendSubtract, blendThreshold, blendSubtractThreshold, blendStart, mask, editSeed, editNoise,
        })
            command.Add(option);
        methods.AddTo(command);
        return this;
    }

    /// <summary>Whether <c>--weight</c> or <c>--concept</c> is given, which change an image without another prompt.</summary>
    public bool ChangesSourcePrompt(ParseResult parse) => parse.GetValue(weights) is { Length: > 0 } || methods.HasConcepts(parse);

    /// <summary>The files that the edit needs: the mask, if given.</summary>
    public IEnumerable<RunInput> Inputs(ParseResult parse) => RunInput.Given(parse, mask);

    /// <summary>The mask, if given.</summary>
    public Diffusion.Images.Image? Mask(ParseResult parse) => parse.GetValue(mask) is { } path ? Parsed.Named("--mask", () => Diffusion.Images.Mask.Load(path)) : null;

    /// <summary>The edit.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="prompts">The target prompts.</param>
    /// <param name="method">The chosen method.</param>
    /// <param name="hasImage">Whether an image is given.</param>
    /// <param name="showsAttention">Whether the heat maps of each target prompt are drawn.</param>
    /// <exception cref="InvalidInputException">An option is invalid, or all edits would be equal.</exception>
    public EditRequest Read(ParseResult parse, IReadOnlyList<string> prompts, EditMethod method, bool hasImage, bool showsAttention = false)
    {
        var edit = Read(parse, methods.Read(parse, method)) with { Prompts = prompts };
        // Only a local blend and heat maps read the words of target prompts.
        InvalidInputException.Require(
            prompts.Count < 2 || showsAttention || edit.Method is not LeditsPlusPlus { Concepts.Count: > 0 } || edit.Blend is not null || edit.BlendSubtract is not null, MethodOptions.Concepts,
            $"All edits have the same concepts, so that those of the {prompts.Count} target prompts would be equal.",
            "Give one target prompt, add --blend, or leave --concept out: the concepts are then the differences of each target prompt from the source prompt.");
        if (!hasImage && method.NeedsImage)
        {
            // An invalid option is the first error here too.
            edit.Validate();
            method.RequireImage(hasImage, "Give the image with --image");
        }

        return edit;
    }

    private EditRequest Read(ParseResult parse, EditMethod method) => new()
    {
        Method = method,
        Alignment = alignment.Read(parse),
        Weights = Parsed.Named("--weight", () => (parse.GetValue(weights) ?? []).Select(WordWeight.Parse).ToArray()),
        CrossSteps = Parsed.Named("--cross-steps", () => CrossReplaceSteps.Parse(parse.GetValue(crossSteps) ?? [])),
        SelfSteps = parse.GetValue(selfSteps) is { } part ? Parsed.Named("--self-steps", () => StepWindow.Parse(part)) : Standard.SelfSteps,
        SelfResolution = parse.GetValue(selfResolution),
        SelfUnconditional = parse.GetValue(selfUnconditional),
        Blend = Words(parse, blend),
        BlendSubtract = Words(parse, blendSubtract),
        BlendThreshold = parse.GetValue(blendThreshold),
        BlendSubtractThreshold = parse.GetValue(blendSubtractThreshold),
        BlendStart = parse.GetValue(blendStart),
        Mask = Mask(parse),
        EditSeed = parse.GetValue(editSeed),
        EditNoise = parse.GetValue(editNoise),
    };

    private static BlendWords? Words(ParseResult parse, Option<string?> option) =>
        parse.GetValue(option) is { } text ? Parsed.Named(option.Name, () => BlendWords.Parse(text)) : null;

    private static Option<T> Text<T>(string name, string description, string helpName) => new(name) { Description = description, HelpName = helpName };
}
