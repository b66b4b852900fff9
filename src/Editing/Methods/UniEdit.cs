using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// Uni-Edit (Jiao et al. 2025, arXiv 2504.13109) in its DDIM form: no attention is shared. From the image inverted for α·N of N steps, each step takes the
/// network's predictions v_s and v_e of the edit's own latents with the source prompt and with its prompt, both without guidance, and moves along
/// <code>
/// (1)  g = v_e − v_s
/// (2)  m = g's mean over the channels, scaled to 0 … 1 over the image
/// (3)  v = ω·(1 + m)·g + m·v_e + (1 − m)·v_s
/// </code>
/// in place of the guided prediction. Where the prompts agree, v is v_s, which retraces the source.
/// </summary>
public sealed record UniEdit : EditMethod
{
    // The published code's, so that equal predictions give m = 0.
    private const double Epsilon = 1e-7;

    /// <inheritdoc/>
    public override string Name => "uni-edit";

    /// <summary>ω: how strongly the edit departs from the source, 0 to 100.</summary>
    public double Strength { get; init; } = 5;

    /// <summary>α: part of the steps that is edited, above 0, at most 1; less keeps more of the image's structure. The paper also uses 0.8.</summary>
    public double EditDepth { get; init; } = 0.6;

    /// <inheritdoc/>
    public override void Validate()
    {
        RequireRange(Strength, 0.0, 100.0, nameof(Strength));
        RequireRange(EditDepth is > 0 and <= 1, EditDepth, nameof(EditDepth), "Use a number above 0, at most 1.");
    }

    internal override void Validate(SamplingSettings sampling, InversionSettings? inversion)
    {
        const string Advice = "Leave it out, or use another editing method.";
        RequireImage(inversion is not null);
        Require(
            inversion!.Method is UniInversion or DirectInversion, "Method", $"{Name} follows the inversion without guidance and cannot be combined with {inversion.Method.Name}.",
            $"Use {AnyOf(new UniInversion().Name, new DirectInversion().Name)}.");
        Require(inversion.Method is not UniInversion { Depth: var depth } || EditDepth <= depth, nameof(EditDepth), $"{EditDepth} is more than the part that is inverted.", "Use a smaller number, or invert more.");
        Require(sampling.Negative.Length == 0, nameof(SamplingSettings.Negative), $"The editing method {Name} has no unconditional prediction.", Advice);
        Require(sampling.GuidanceRescale == 0, nameof(SamplingSettings.GuidanceRescale), $"The editing method {Name} does not use guidance.", Advice);
        Require(FirstStep(sampling.Steps) < sampling.Steps, nameof(EditDepth), $"{EditDepth} of {sampling.Steps} steps is no step.", "Use a larger number or more steps.");
    }

    internal override bool NeedsImage => true;

    internal override string UsualInversion => new UniInversion().Name;

    internal override bool GuidesBySource => true;

    internal override int FirstStep(int steps) => steps - (int)(EditDepth * steps);

    internal override Tensor Combine(Tensor source, Tensor edit)
    {
        using var scope = NewDisposeScope();
        var guidance = edit - source;
        var mean = guidance.mean([1], keepdim: true);
        var (least, most) = (mean.amin([2, 3], keepdim: true), mean.amax([2, 3], keepdim: true));
        var mask = (mean - least) / (most - least).Plus(Scalar(Epsilon));
        // m·v_e + (1 − m)·v_s = v_s + m·g.
        return source.Plus(mask * guidance).Plus(mask.Plus(Scalar(1)) * guidance * Scalar(Strength)).MoveToOuterDisposeScope();
    }
}
