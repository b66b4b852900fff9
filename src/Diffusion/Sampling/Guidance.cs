using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>Classifier-free guidance (Ho and Salimans, arXiv 2207.12598). All guidance in this code base is computed here.</summary>
internal static class Guidance
{
    /// <summary>ε_uncond + w·(ε_cond − ε_uncond).</summary>
    /// <param name="unconditional">Prediction without the prompt, [rows, channels, h, w].</param>
    /// <param name="conditional">Prediction with the prompt, of the same shape.</param>
    /// <param name="scale">Guidance w; 1 gives the conditional prediction, up to rounding.</param>
    /// <param name="shape">Transforms the difference ε_cond − ε_uncond before scaling, as proximal guidance does; null leaves it unchanged.</param>
    public static Tensor Combine(Tensor unconditional, Tensor conditional, double scale, Func<Tensor, Tensor>? shape = null)
    {
        var difference = conditional - unconditional;
        return unconditional.Plus(Scalar(scale) * (shape is null ? difference : shape(difference)));
    }

    /// <summary>Guidance rescale (Lin et al., arXiv 2305.08891, §3.4): moves each image's standard deviation towards that of the conditional prediction.</summary>
    /// <param name="guided">The guided prediction, [rows, channels, h, w].</param>
    /// <param name="conditional">The conditional prediction, of the same shape.</param>
    /// <param name="share">φ of the paper, 0 (off) to 1 (full).</param>
    public static Tensor Rescale(Tensor guided, Tensor conditional, double share)
    {
        return share == 0 ? guided : guided * (Scalar(share) * (Deviation(conditional) / Deviation(guided))).Plus(Scalar(1 - share));

        static Tensor Deviation(Tensor images) => images.std([1, 2, 3], keepdim: true);
    }
}
