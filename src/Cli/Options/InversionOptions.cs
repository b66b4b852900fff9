using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Cli.Options;

/// <summary>How a real picture is inverted.</summary>
internal sealed class InversionOptions
{
    private static readonly InversionSettings Standard = new() { Prompt = "" };

    private readonly Option<string> method = Parsed.Choice("--method", "Inversion method", Standard.Method, [.. InversionMethod.Names]).In(HelpGroup.Inversion);
    private readonly Option<int> innerSteps = Parsed.Number("--inner-steps", "Null-text: maximum optimization steps per timestep", Standard.InnerSteps).In(HelpGroup.Inversion);
    private readonly Option<double> earlyStop = Parsed.Number("--early-stop", "Null-text: loss at which the first timestep stops early; rises by 2e-5 per timestep", Standard.EarlyStop).In(HelpGroup.Inversion);
    private readonly Option<double> learningRate = Parsed.Number("--learning-rate", "Null-text: learning rate at the first timestep", Standard.LearningRate).In(HelpGroup.Inversion);
    private readonly Option<bool?> saveMemory = new("--save-memory")
    {
        Description = "Null-text: recompute activations instead of keeping them; automatic by default",
        Group = HelpGroup.Inversion,
        HelpName = "true|false",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<int> fixedPoint = Parsed.Number("--fixed-point", "Fixed-point iterations per step of DDIM inversion (not for bdia and edit-friendly)", Standard.FixedPoint).In(HelpGroup.Inversion);
    private readonly Option<double?> inversionGuidance = Parsed.OptionalNumber<double>("--inversion-guidance", "Guidance during inversion; by default 1, or 3.5 for edit-friendly").In(HelpGroup.Inversion);
    private readonly Option<double> skip = Parsed.Number("--skip", "Edit-friendly: part of the steps that edits skip at the start", Standard.Skip).In(HelpGroup.Inversion);
    private readonly Option<double> gamma = Parsed.Number("--gamma", "BDIA: weight of the previous step, above 0 up to 1", Standard.Gamma).In(HelpGroup.Experiments);
    private readonly Option<double> proximal = Parsed.Number("--proximal-quantile", "Proximal: quantile of the guidance to discard", Standard.ProximalQuantile).In(HelpGroup.Inversion);
    private readonly FrameOption frame = FrameOption.Any(HelpGroup.Inversion);

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
