using System.CommandLine;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Cli.Options;

/// <summary>What an edit takes from its source, and where it may change the picture.</summary>
internal sealed class EditOptions
{
    private const string Places = "comma-separated; SOURCEWORDS:TARGETWORDS[:TARGET2WORDS…] where they differ by prompt";

    private readonly AlignmentOptions alignment = new();
    private readonly Option<string[]> weights = Text<string[]>("--weight", "Weight of a target word, repeatable: snow=1.5", "word=number");

    private readonly Option<string[]> crossSteps = Text<string[]>(
        "--cross-steps", "Steps with the source's cross-attention: 0.8 (the default), 0.1..0.6, WORD=0.4 or WORD=0.1..0.6; repeatable", "part");

    private readonly Option<string?> selfSteps = Text<string?>("--self-steps", "Steps with the source's self-attention: 0.4 (the default) or 0.1..0.5", "part");

    private readonly Option<int> selfResolution = Parsed.Of(
        "--self-resolution", "Largest side of the layers whose self-attention is taken: 16 or 32", "16 or 32", text => text is "16" or "32" ? int.Parse(text) : throw new FormatException());

    private readonly Option<string?> blend = Text<string?>("--blend", $"Words whose place alone may change: {Places}", "words");
    private readonly Option<string?> blendSubtract = Text<string?>("--blend-subtract", $"Words whose place stays: {Places}", "words");
    private readonly Option<double> blendThreshold = Parsed.Number("--blend-threshold", "Share of the strongest attention that counts as a word's place", 0.3);
    private readonly Option<double> blendSubtractThreshold = Parsed.Number("--blend-subtract-threshold", "The same for --blend-subtract", 0.3);
    private readonly Option<double> blendStart = Parsed.Number("--blend-start", "Share of the steps before the blend begins", 0.2);
    private readonly Option<string?> mask = Text<string?>("--mask", "Picture that is white where the edit may change something, or painted there on a transparent ground", "file");
    private readonly Option<ulong?> editSeed = Parsed.OptionalSeed("--edit-seed", "An experiment: another seed for the edited pictures");

    public EditOptions() => selfResolution.DefaultValueFactory = _ => 32;

    public EditOptions AddTo(Command command)
    {
        alignment.AddTo(command);
        foreach (var option in new Option[]
        {
            weights, crossSteps, selfSteps, selfResolution, blend, blendSubtract, blendThreshold, blendSubtractThreshold, blendStart, mask, editSeed,
        })
            command.Add(option);
        return this;
    }

    /// <summary>Whether a word is re-weighted by an option.</summary>
    public bool HasWeights(ParseResult parse) => parse.GetValue(weights) is { Length: > 0 };

    /// <summary>The files that the edit needs: the mask, if given.</summary>
    public IEnumerable<RunInput> Inputs(ParseResult parse) => RunInput.Given(parse, mask);

    /// <summary>Adds the edit to a request for a source picture.</summary>
    public EditRequest Apply(ParseResult parse, EditRequest request) => request with
    {
        Edit = new EditSpecification
        {
            Kind = alignment.Read(parse),
            Weights = Parsed.Named("--weight", () => (parse.GetValue(weights) ?? []).Select(WordWeight.Parse).ToArray()),
            CrossSteps = Parsed.Named("--cross-steps", () => CrossReplaceSteps.Parse(parse.GetValue(crossSteps) ?? [])),
            SelfSteps = parse.GetValue(selfSteps) is { } part ? Parsed.Named("--self-steps", () => StepWindow.Parse(part)) : new EditSpecification().SelfSteps,
            SelfResolution = parse.GetValue(selfResolution),
        },
        Blend = Words(parse, blend),
        BlendSubtract = Words(parse, blendSubtract),
        BlendThreshold = parse.GetValue(blendThreshold),
        BlendSubtractThreshold = parse.GetValue(blendSubtractThreshold),
        BlendStart = parse.GetValue(blendStart),
        Mask = parse.GetValue(mask) is { } path ? Parsed.Named("--mask", () => Diffusion.Imaging.Mask.Load(path)) : null,
        EditSeed = parse.GetValue(editSeed),
    };

    private static BlendWords? Words(ParseResult parse, Option<string?> option) =>
        parse.GetValue(option) is { } text ? Parsed.Named(option.Name, () => BlendWords.Parse(text)) : null;

    private static Option<T> Text<T>(string name, string description, string helpName) => new(name) { Description = description, HelpName = helpName };
}
