using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Prompts;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// LEDITS++ (Brack et al. 2024, arXiv 2311.16711): adds and removes several concepts at once, each in a region that it finds itself. It edits images of an
/// edit-friendly inversion, whose noise z retraces the image from the prediction ε of the inversion. Each step takes the predictions of the edit's own latents
/// with the empty prompt, ε_u, and with each concept alone, ε_i, and adds to ε the concepts' guidance:
/// <code>
/// (1)  ε̂ = ε + Σ_i s_i·M_i·ψ_i              in the steps from the concept's warm-up to its cool-down
/// (2)  ψ_i = ε_i − ε_u                       to add the concept, ε_u − ε_i to remove it
/// (3)  M_i = M¹_i · M²_i
/// (4)  M¹_i = 1 where G(A_i) ≥ η_λ(G(A_i))   A_i: cross-attention of the concept's words, averaged over heads and 16×16 layers, summed over words
/// (5)  M²_i = 1 where |ψ_i| ≥ η_λ(|ψ_i|)     |ψ_i|: sum of the absolute values over the channels
/// </code>
/// with a scale s_i, the λ-quantile η_λ over the positions of the image, and a Gaussian blur G. M¹ finds the thing and M² its outline at the size of the
/// latents. Without concepts the step retraces the image. The paper inverts without a prompt, so that ε is ε_u; with a guided inversion, ε has its guidance.
/// </summary>
public sealed record LeditsPlusPlus : EditMethod
{
    // G: 3×3 positions, as in the published code, whose weights are exp(−(d/2σ)²) at the distance d, with σ = 0.5.
    private static readonly double BlurSide = Math.Exp(-1);

    /// <inheritdoc/>
    public override string Name => "ledits++";

    /// <summary>The concepts of every edit; empty for those by which its prompt differs from the source's: what it adds, removes, or swaps (both).</summary>
    public IReadOnlyList<EditConcept> Concepts { get; init; } = [];

    /// <summary>s: how strongly concepts without a scale of their own act, 0 to <see cref="EditConcept.MaxScale"/>.</summary>
    public double ConceptScale { get; init; } = 5;

    /// <summary>Part of the edited steps before concepts without a warm-up of their own act, 0 to 1; more keeps more of the image's layout.</summary>
    public double WarmUp { get; init; }

    /// <summary>λ: the quantile of both masks for concepts without one of their own, 0 to 1; more confines a concept to a smaller region.</summary>
    public double MaskQuantile { get; init; } = 0.9;

    /// <summary>The paper's inversion, but with DDPM's steps: masks change from step to step, and steps of second order extrapolate such changes.</summary>
    public static EditFriendlyInversion Inversion { get; } = new() { Skip = 0.15, WithoutPrompt = true };

    /// <inheritdoc/>
    public override void Validate()
    {
        RequireRange(ConceptScale, 0.0, EditConcept.MaxScale, nameof(ConceptScale));
        RequireRange(WarmUp, 0.0, 1.0, nameof(WarmUp));
        RequireRange(MaskQuantile, 0.0, 1.0, nameof(MaskQuantile));
        _ = Naming(nameof(Concepts), () =>
        {
            foreach (var concept in Concepts)
                concept.Validate();
            return true;
        });
    }

    internal override void Validate(SamplingSettings sampling, InversionSettings? inversion)
    {
        const string Advice = "Leave it out, or use another editing method.";
        RequireImage(inversion is not null);
        Require(
            inversion!.Method is EditFriendlyInversion, "Method", $"{Name} adds the noise of an edit-friendly inversion and cannot be combined with {inversion.Method.Name}.",
            $"Use {UsualInversion}.");
        Require(sampling.Negative.Length == 0, nameof(SamplingSettings.Negative), $"The editing method {Name} compares with the empty prompt; to keep something out, remove it as a concept.", Advice);
        Require(sampling.GuidanceRescale == 0, nameof(SamplingSettings.GuidanceRescale), $"The editing method {Name} does not use guidance.", Advice);
    }

    internal override bool NeedsImage => true;

    internal override string UsualInversion => Inversion.Name;

    internal override IReadOnlyList<EditConcept> ConceptsOf(TokenizedPrompt source, TokenizedPrompt target) =>
        Concepts.Count > 0 ? Concepts : [.. PromptChanges.Of(source, target).Select(change => new EditConcept(change.Text, change.IsRemoved))];

    internal override bool UsesGuidance => false;

    // A swap has two concepts. How many the prompts have is known only when they are read; few edits have more than two swaps. The empty prompt has a row, and
    // the prompts of source and target may have rows, too.
    internal override int? OwnRows => 3 + (Concepts.Count > 0 ? Concepts.Count : 4);

    // Equations 1 to 3.
    internal override Tensor Combine(ConceptStep step)
    {
        using var scope = NewDisposeScope();
        var prediction = step.Inverted.alias();
        foreach (var (concept, ofConcept, attention) in step.Concepts)
        {
            if (step.Step < (int)((concept.WarmUp ?? WarmUp) * step.Steps) || step.Step >= (int)((concept.CoolDown ?? 1) * step.Steps))
                continue;
            var guidance = concept.IsRemoved ? step.Unconditional - ofConcept : ofConcept - step.Unconditional;
            var level = concept.MaskQuantile ?? MaskQuantile;
            prediction = prediction.Plus(OfAttention(attention, level, guidance) * OfGuidance(guidance, level) * guidance * Scalar(concept.Scale ?? ConceptScale));
        }

        return prediction.MoveToOuterDisposeScope();
    }

    // Equation 4, at the size of the latents.
    private static Tensor OfAttention(Tensor attention, double level, Tensor guidance) => nn.functional.interpolate(
        Above(Blurred(attention), level), [guidance.shape[2], guidance.shape[3]], mode: InterpolationMode.Nearest);

    // Equation 5.
    private static Tensor OfGuidance(Tensor guidance, double level) => Above(guidance.abs().sum(1, keepdim: true), level);

    private static Tensor Above(Tensor map, double level) => map.ge(quantile(map.flatten(), tensor((float)level, device: map.device))).to(map.dtype);

    private static Tensor Blurred(Tensor map)
    {
        var (middle, edge) = (1 / (1 + (2 * BlurSide)), BlurSide / (1 + (2 * BlurSide)));
        // The blur is separable, and the border is mirrored.
        var padded = nn.functional.pad(map, [1, 1, 1, 1], TorchSharp.PaddingModes.Reflect);
        var (height, width) = (map.shape[2], map.shape[3]);
        var rows = Mixed(padded, 2, height);
        return Mixed(rows, 3, width);

        Tensor Mixed(Tensor image, int axis, long size) => (image.narrow(axis, 1, size) * Scalar(middle)).Plus(image.narrow(axis, 0, size).Plus(image.narrow(axis, 2, size)) * Scalar(edge));
    }
}
