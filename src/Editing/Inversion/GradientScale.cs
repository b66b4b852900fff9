using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// The gradient of a mean over latents is too small for float16. It is scaled up by a power of two for the backward pass, which loses
/// no precision.
/// </summary>
internal static class GradientScale
{
    private const double Factor = 1 << 12;

    /// <summary>Scales a gradient up for the backward pass.</summary>
    public static Tensor Up(Tensor gradient) => gradient * Scalar(Factor);

    /// <summary>Scales a gradient back down.</summary>
    public static Tensor Down(Tensor gradient) => gradient / Scalar(Factor);
}
