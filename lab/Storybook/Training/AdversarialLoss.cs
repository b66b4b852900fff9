using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// The adversarial terms of Stable Diffusion's autoencoder (Rombach et al., arXiv 2112.10752, §G), which come from VQGAN
/// (Esser et al., arXiv 2012.09841, §3.1). D scores drawings x and reconstructions x̂.
/// </summary>
internal static class AdversarialLoss
{
    // The published δ and bound, which keep the weight finite where D has no gradient yet.
    private const double Delta = 1e-4;
    private const double MaxRatio = 1e4;

    /// <summary>The discriminator's hinge loss, ½·mean(max(0, 1 − D(x))) + ½·mean(max(0, 1 + D(x̂))).</summary>
    /// <param name="drawn">D(x).</param>
    /// <param name="decoded">D(x̂).</param>
    public static Tensor OfDiscriminator(Tensor drawn, Tensor decoded)
    {
        using var scope = NewDisposeScope();
        return (nn.functional.relu(OneMinus(drawn)).mean().Plus(nn.functional.relu(decoded.Plus(Scalar(1))).mean()) * Scalar(0.5)).MoveToOuterDisposeScope();
    }

    /// <summary>The decoder's loss, −mean(D(x̂)).</summary>
    /// <param name="decoded">D(x̂).</param>
    public static Tensor OfDecoder(Tensor decoded)
    {
        using var scope = NewDisposeScope();
        return decoded.mean().neg().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The adaptive weight of the decoder's loss, λ = ‖∇L_rec‖ / (‖∇L_adv‖ + δ), with gradients of the decoder's last layer: both terms
    /// then pull equally at it, whatever the scale of the discriminator's scores.
    /// </summary>
    /// <param name="reconstruction">The reconstruction loss.</param>
    /// <param name="adversarial">The decoder's adversarial loss.</param>
    /// <param name="lastLayer">Weight of the decoder's last layer.</param>
    public static Tensor AdaptiveWeight(Tensor reconstruction, Tensor adversarial, Tensor lastLayer)
    {
        using var scope = NewDisposeScope();
        var (of, against) = (Norm(reconstruction), Norm(adversarial));
        return (of / against.Plus(Scalar(Delta))).clamp(Scalar(0), Scalar(MaxRatio)).detach().MoveToOuterDisposeScope();

        Tensor Norm(Tensor loss) => autograd.grad([loss], [lastLayer], retain_graph: true)[0].to(ScalarType.Float32).norm();
    }
}
