using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options of inversion, and the choice of methods.</summary>
internal sealed class InversionOptions
{
    private static readonly NullTextInversion NullText = new();
    private static readonly EditFriendlyInversion EditFriendly = new();

    private readonly Option<string> method;
    private readonly Option<int> innerSteps = Parsed.Number("--inner-steps", "Null-text: maximum optimization steps per timestep", NullText.InnerSteps).In(HelpGroup.Inversion);
    private readonly Option<double> earlyStop = Parsed.Number("--early-stop", "Null-text: loss at which the first timestep stops early; rises by 2e-5 per timestep", NullText.EarlyStop).In(HelpGroup.Inversion);
    private readonly Option<double> learningRate = Parsed.Number("--learning-rate", "Null-text: learning rate at the first timestep", NullText.LearningRate).In(HelpGroup.Inversion);
    private readonly Option<bool?> saveMemory = new("--save-memory")
    {
        Description = "Null-text: recompute activations instead of keeping them; automatic by default",
        Group = HelpGroup.Inversion,
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<int> fixedPoint = Parsed.Number("--fixed-point", "Fixed-point iterations per step of DDIM inversion (not for bdia, edit-friendly, virtual and uni-inv)", 0).In(HelpGroup.Inversion);
    private readonly Option<double?> inversionGuidance = Parsed.OptionalNumber<double>("--inversion-guidance", "Guidance during inversion; by default 1, 3.5 for edit-friendly without --noise-shift, or 0 for edits by ledits++").In(HelpGroup.Inversion);
    private readonly Option<double?> skip = Parsed.OptionalNumber<double>(
        "--skip", $"Edit-friendly: part of the steps that edits skip at the start; by default {EditFriendly.Skip}, {TurboEdit.Inversion.Skip} for turbo-edit or {LeditsPlusPlus.Inversion.Skip} for ledits++").In(HelpGroup.Inversion);

    private readonly Option<double?> noiseShift = Parsed.OptionalNumber<double>(
        "--noise-shift", $"Edit-friendly: noise the image to a level this many steps lower than the model's timestep; by default {EditFriendly.NoiseShift}, or {TurboEdit.Inversion.NoiseShift} for turbo-edit").In(HelpGroup.Inversion);

    private readonly Option<double?> noiseLimit = Parsed.OptionalNumber<double>(
        "--noise-limit", $"Edit-friendly: greatest norm of the last step's noise, for latents of 4·64·64; by default none, or {TurboEdit.Inversion.NoiseLimit} for turbo-edit").In(HelpGroup.Inversion);

    private readonly Option<bool> secondOrder = new("--second-order") { Description = "Edit-friendly: steps of SDE-DPM-Solver++ of second order instead of DDPM's", Group = HelpGroup.Inversion };

    private readonly Option<double> depth = Parsed.Number("--depth", "Uni-Inv: part of the steps, above 0 up to 1, that is inverted and edited; the rest keeps the image's structure", new UniInversion().Depth).In(HelpGroup.Inversion);
    private readonly Option<double> gamma = Parsed.Number("--gamma", "BDIA: weight of the previous step, above 0 up to 1", new BdiaInversion().Gamma).In(HelpGroup.Experiments);
    private readonly Option<double> proximal = Parsed.Number("--proximal-quantile", "Proximal: quantile of the guidance to discard", new ProximalInversion().Quantile).In(HelpGroup.Inversion);
    private readonly FrameOption frame = FrameOption.Any(HelpGroup.Inversion);

    // The options of each method, by its name, and without a name those of several, in the order of the help.
    private IEnumerable<(string? Method, Option[] Options)> Groups =>
    [
        (NullText.Name, [innerSteps, earlyStop, learningRate, saveMemory]),
        (null, [fixedPoint, inversionGuidance]),
        (EditFriendly.Name, [skip, noiseShift, noiseLimit, secondOrder]),
        (new UniInversion().Name, [depth]),
        (new BdiaInversion().Name, [gamma]),
        (new ProximalInversion().Name, [proximal]),
        (null, [frame.Option]),
    ];

    private IEnumerable<Option> Others => Groups.SelectMany(group => group.Options);

    private InversionOptions(Option<string> method) => this.method = method;

    /// <summary>Options of a command that only inverts.</summary>
    public static InversionOptions OfInversion() =>
        new(Parsed.Choice("--method", "Inversion method", NullText.Name, [.. InversionMethod.Names]).In(HelpGroup.Inversion));

    /// <summary>Options of a command that edits, whose <c>--method</c> also names the editing method.</summary>
    public static InversionOptions OfEdit()
    {
        var method = Parsed.Of(
            "--method", $"Method of the edit or of --image's inversion: {MethodChoice.Form}. Without an inversion method, --image is inverted by the one that suits the edit, null-text for p2p",
            MethodChoice.Form, text => MethodChoice.Parse(text).ToString(), "name", MethodChoice.Suggest).In(HelpGroup.Methods);
        method.DefaultValueFactory = _ => MethodChoice.Usual.ToString();
        method.CompletionSources.Add([.. MethodChoice.Names]);
        return new(method);
    }

    public InversionOptions AddTo(Command command)
    {
        foreach (var option in Others.Prepend(method))
            command.Add(option);
        return this;
    }

    /// <summary>Adds the choice of the method alone.</summary>
    public void AddMethodTo(Command command) => command.Add(method);

    /// <summary>The chosen methods.</summary>
    public MethodChoice Choice(ParseResult parse) => parse.IsGiven(method) ? MethodChoice.Parse(parse.GetValue(method)!) : new(null, null);

    /// <summary>Refuses options that would have no effect because nothing is inverted.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="isInverted">Whether <c>--inversion</c> is given; otherwise there is no image at all.</param>
    /// <param name="others">More of them.</param>
    /// <exception cref="InvalidInputException">One of them was given.</exception>
    public void RequireUnused(ParseResult parse, bool isInverted, params IEnumerable<Option> others)
    {
        RequireNoInversion(parse, isInverted);
        if (Others.Concat(others).FirstOrDefault(parse.IsGiven) is { } given)
            throw new InvalidInputException($"{given.Name} is an inversion option, and {Reason(isInverted)}. Leave it out.");
    }

    /// <summary>Notes on given options of inversion methods that are not used.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="used">The methods that are used, at least one.</param>
    public IReadOnlyList<string> Unused(ParseResult parse, params IEnumerable<InversionMethod> used)
    {
        string[] names = [.. used.Select(each => each.Name).Distinct()];
        var chosen = names is [var only] ? $"the inversion method is {only}" : $"the inversion methods are {string.Join(" and ", names)}";
        return
        [
            .. from other in Groups
               where other.Method is { } name && !names.Contains(name)
               from option in other.Options.Where(parse.IsGiven)
               select UnusedOptions.Note(option.Name, $"it is an option of {other.Method}, and {chosen}"),
        ];
    }

    /// <summary>Refuses an inversion method, because nothing is inverted.</summary>
    /// <inheritdoc cref="RequireUnused"/>
    public void RequireNoInversion(ParseResult parse, bool isInverted)
    {
        if (Choice(parse) is not { Inversion: { } inversion } choice)
            return;
        var advice = choice.EditMethod.NeedsImage && !isInverted ? "another editing method" : choice.Editing is { } editing ? $"{method.Name} {editing} alone" : $"an editing method ({InvalidInputException.AnyOf(EditMethod.Names)})";
        throw new InvalidInputException(
            method.Name, $"{inversion} is an inversion method, and {Reason(isInverted)}.", isInverted ? $"Use {advice}." : $"Give the image to invert with --image, or use {advice}.");
    }

    private static string Reason(bool isInverted) => isInverted ? "--inversion is already inverted" : "there is no --image";

    /// <summary>The inversion settings.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="prompt">Prompt that describes the picture.</param>
    /// <param name="sampling">The shared settings.</param>
    /// <param name="chosen">The inversion method; null for that of the command line.</param>
    public InversionSettings Settings(ParseResult parse, string prompt, SamplingSettings sampling, InversionMethod? chosen = null) => new()
    {
        Prompt = prompt,
        Sampling = InversionSettings.ForInversion(sampling),
        Method = (chosen ?? Choice(parse).InversionFor()) switch
        {
            NullTextInversion => new NullTextInversion
            {
                InnerSteps = parse.GetValue(innerSteps),
                EarlyStop = parse.GetValue(earlyStop),
                LearningRate = parse.GetValue(learningRate),
                SaveMemory = parse.GetValue(saveMemory),
            },
            EditFriendlyInversion friendly => Given(parse, friendly),
            UniInversion when parse.IsGiven(depth) => new UniInversion { Depth = parse.GetValue(depth) },
            BdiaInversion => new BdiaInversion { Gamma = parse.GetValue(gamma) },
            ProximalInversion => new ProximalInversion { Quantile = parse.GetValue(proximal) },
            var other => other,
        },
        FixedPoint = parse.GetValue(fixedPoint),
        InversionGuidance = parse.GetValue(inversionGuidance),
    };

    private EditFriendlyInversion Given(ParseResult parse, EditFriendlyInversion usual) => new()
    {
        Skip = parse.GetValue(skip) ?? usual.Skip,
        NoiseShift = parse.GetValue(noiseShift) ?? usual.NoiseShift,
        NoiseLimit = parse.GetValue(noiseLimit) ?? usual.NoiseLimit,
        SecondOrder = parse.GetValue(secondOrder),
        WithoutPrompt = usual.WithoutPrompt,
    };

    /// <summary>Frames the picture to the model's size.</summary>
    public Framing Framing(ParseResult parse, StableDiffusionModel model, Image image, PixelSize? size) => model.Frame(frame.Read(parse), image.Size, size);

    /// <inheritdoc cref="FrameOption.Note"/>
    public string? NoteOn(ParseResult parse, Framing framing) => frame.Note(parse, framing);
}
