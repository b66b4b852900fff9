using System.CommandLine;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Cli.Options;

/// <summary>How a real picture is inverted.</summary>
internal sealed class InversionOptions
{
    private static readonly InversionSettings Standard = new() { Prompt = "" };

    private readonly Option<string> method = Parsed.Choice("--method", "How the picture is inverted", Standard.Method, [.. InversionMethod.Names]);
    private readonly Option<int> innerSteps = Parsed.Number("--inner-steps", "Null-text: most optimisation steps at each timestep", Standard.InnerSteps);
    private readonly Option<double> earlyStop = Parsed.Number("--early-stop", "Null-text: the loss at which the first timestep is done; it rises by 2e-5 with each", Standard.EarlyStop);
    private readonly Option<double> learningRate = Parsed.Number("--learning-rate", "Null-text: the optimiser's rate at the first timestep", Standard.LearningRate);
    private readonly Option<bool?> saveMemory = new("--save-memory")
    {
        Description = "Null-text: compute activations again instead of keeping them; by default where they are large",
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<int> fixedPoint = Parsed.Number("--fixed-point", "Refinements of each step of DDIM inversion, which all methods but bdia and edit-friendly begin with", Standard.FixedPoint);
    private readonly Option<double?> inversionGuidance = Parsed.OptionalNumber<double>("--inversion-guidance", "Guidance while inverting: 1, or 3.5 with edit-friendly; more drifts");
    private readonly Option<double> skip = Parsed.Number("--skip", "Edit-friendly: share of the steps that edits leave out at the start", Standard.Skip);
    private readonly Option<double> gamma = Parsed.Number("--gamma", "BDIA: how much a step looks back, above 0 to 1", Standard.Gamma);
    private readonly Option<double> proximal = Parsed.Number("--proximal-quantile", "Proximal: share of the guidance that is left out", Standard.ProximalQuantile);
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

    /// <summary>Completes what the shared options say.</summary>
    public InversionSettings Settings(ParseResult parse, InversionSettings shared) => shared with
    {
        Method = parse.GetValue(method)!,
        InnerSteps = parse.GetValue(innerSteps),
        EarlyStop = parse.GetValue(earlyStop),
        LearningRate = parse.GetValue(learningRate),
        SaveMemory = parse.GetValue(saveMemory),
        FixedPoint = parse.GetValue(fixedPoint),
        InversionGuidance = parse.GetValue(inversionGuidance),
        Skip = parse.GetValue(skip),
        Gamma = parse.GetValue(gamma),
        ProximalQuantile = parse.GetValue(proximal),
    };

    /// <summary>How the picture is brought to the model's size.</summary>
    public Framing Framing(ParseResult parse, StableDiffusionModel model, Picture picture, (int Width, int Height) size)
        => Diffusion.Imaging.Framing.For(model, frame.Read(parse), picture, size.Width, size.Height);
}
