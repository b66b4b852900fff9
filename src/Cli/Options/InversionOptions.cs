using System.CommandLine;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Cli.Options;

/// <summary>How a real picture is inverted.</summary>
internal sealed class InversionOptions
{
    private static readonly NullTextInversion NullText = new();

    private readonly Option<string> method = Parsed.Choice("--method", "How the picture is inverted", NullText.Name, [.. InversionMethod.Names]);
    private readonly Option<int> innerSteps = Parsed.Number("--inner-steps", "Null-text: most optimisation steps at each timestep", NullText.InnerSteps);
    private readonly Option<double> earlyStop = Parsed.Number("--early-stop", "Null-text: the loss at which the first timestep is done; it rises by 2e-5 with each", NullText.EarlyStop);
    private readonly Option<double> learningRate = Parsed.Number("--learning-rate", "Null-text: the optimiser's rate at the first timestep", NullText.LearningRate);
    private readonly Option<bool?> saveMemory = new("--save-memory")
    {
        Description = "Null-text: compute activations again instead of keeping them; by default where they are large",
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<int> fixedPoint = Parsed.Number("--fixed-point", "Refinements of each step of DDIM inversion, which all methods but bdia and edit-friendly begin with", 0);
    private readonly Option<double?> inversionGuidance = Parsed.OptionalNumber<double>("--inversion-guidance", "Guidance while inverting: 1, or 3.5 with edit-friendly; more drifts");
    private readonly Option<double> skip = Parsed.Number("--skip", "Edit-friendly: share of the steps that edits leave out at the start", new EditFriendlyInversion().Skip);
    private readonly Option<double> gamma = Parsed.Number("--gamma", "BDIA: how much a step looks back, above 0 to 1", new BdiaInversion().Gamma);
    private readonly Option<double> proximal = Parsed.Number("--proximal-quantile", "Proximal: share of the guidance that is left out", new ProximalInversion().Quantile);
    private readonly FrameOption frame = FrameOption.Any();

    private IEnumerable<Option> All => [method, innerSteps, earlyStop, learningRate, saveMemory, fixedPoint, inversionGuidance, skip, gamma, proximal, frame.Option];

    public InversionOptions AddTo(Command command)
    {
        foreach (var option in All)
            command.Add(option);
        return this;
    }

    /// <summary>Refuses options that would not count.</summary>
    /// <exception cref="InvalidInputException">One of them was given.</exception>
    public void RequireUnused(ParseResult parse, string reason, params IEnumerable<Option> others)
    {
        if (All.Concat(others).FirstOrDefault(option => parse.GetResult(option) is { Implicit: false }) is { } given)
            throw new InvalidInputException($"{given.Name} says how a picture is inverted, and {reason}; leave it out.");
    }

    /// <summary>How a picture is inverted.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="prompt">What the picture shows.</param>
    /// <param name="sampling">The shared settings.</param>
    public InversionSettings Settings(ParseResult parse, string prompt, SamplingSettings sampling) => new()
    {
        Prompt = prompt,
        Sampling = InversionSettings.Deciding(sampling),
        Method = InversionMethod.Named(parse.GetValue(method)!) switch
        {
            NullTextInversion => new NullTextInversion
            {
                InnerSteps = parse.GetValue(innerSteps),
                EarlyStop = parse.GetValue(earlyStop),
                LearningRate = parse.GetValue(learningRate),
                SaveMemory = parse.GetValue(saveMemory),
            },
            EditFriendlyInversion => new EditFriendlyInversion { Skip = parse.GetValue(skip) },
            BdiaInversion => new BdiaInversion { Gamma = parse.GetValue(gamma) },
            ProximalInversion => new ProximalInversion { Quantile = parse.GetValue(proximal) },
            var other => other,
        },
        FixedPoint = parse.GetValue(fixedPoint),
        InversionGuidance = parse.GetValue(inversionGuidance),
    };

    /// <summary>How the picture is brought to the model's size.</summary>
    public Framing Framing(ParseResult parse, StableDiffusionModel model, Picture picture, PixelSize? size)
        => model.Frame(frame.Read(parse), picture.Size, size);
}
