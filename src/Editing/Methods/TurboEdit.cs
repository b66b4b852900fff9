using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Inversion;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// TurboEdit (Deutch et al. 2024, arXiv 2408.00735), for models that take few steps. The image x_0 is inverted by <see cref="EditFriendlyInversion"/>, but its
/// latents x_t are noised one step less than the network and the scheduler are told. With μ_t(x, p) the mean of the DDPM step from x by the prompt p, without
/// guidance, s the source's prompt and e the edit's, the inversion keeps the noise of each step, of which the last is bounded:
/// <code>
/// (1)  x_t = α_(t−Δ)·x_0 + σ_(t−Δ)·ε_t,  or x_0 if t &lt; Δ
/// (2)  n_t = x_(t−1) − μ_t(x_t, s)
/// (3)  c = min(1, ν/‖n_t‖) at the last step, else 1
/// </code>
/// From the same latents, an edit x̂ adds the same noise and takes the difference of the prompts w times (pseudo-guidance):
/// <code>
/// (4)  x̂_(t−1) = μ_t(x̂_t, s) + w·(μ_t(x̂_t, e) − μ_t(x̂_t, s)) + c·n_t
/// </code>
/// For equal prompts and c = 1 it ends at x_0. Δ and ν are options of the inversion.
/// </summary>
public sealed record TurboEdit : EditMethod
{
    /// <inheritdoc/>
    public override string Name => "turbo-edit";

    /// <summary>w: how strongly the edit follows its prompt, 0 to 100; 1 is plain edit-friendly editing without guidance.</summary>
    public double PseudoGuidance { get; init; } = 1.5;

    /// <summary>
    /// The inversion with the paper's settings: of 5 steps, edits take the last 4. (Its 5 steps have trailing timesteps.)
    /// </summary>
    public static EditFriendlyInversion Inversion { get; } = new() { Skip = 0.2, NoiseShift = 1, NoiseLimit = 15.5 };

    /// <inheritdoc/>
    public override void Validate() => RequireRange(PseudoGuidance, 0.0, 100.0, nameof(PseudoGuidance));

    internal override void Validate(SamplingSettings sampling, InversionSettings? inversion)
    {
        const string Advice = "Leave it out, or use another editing method.";
        RequireImage(inversion is not null);
        Require(inversion!.Method is EditFriendlyInversion, "Method", $"{Name} adds the noise of {Inversion.Name} and cannot be combined with {inversion.Method.Name}.", $"Use {Inversion.Name}.");
        var guidance = ((EditFriendlyInversion)inversion.Method).GuidanceOf(inversion);
        Require(guidance == 1, "Method", $"{Name} has no guidance, and the image is inverted with {guidance}.", "Invert it with guidance 1, or with a noise shift, which has 1 by default.");
        Require(sampling.Negative.Length == 0, nameof(SamplingSettings.Negative), $"The editing method {Name} has no unconditional prediction.", Advice);
        Require(sampling.GuidanceRescale == 0, nameof(SamplingSettings.GuidanceRescale), $"The editing method {Name} does not use guidance.", Advice);
    }

    internal override bool NeedsImage => true;

    internal override string UsualInversion => Inversion.Name;

    internal override bool GuidesBySource => true;

    // μ_t is affine in the prediction, and the scheduler adds the noise.
    internal override Tensor Combine(Tensor source, Tensor edit) => Guidance.Combine(source, edit, PseudoGuidance);
}
