using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// The gradient of a mean over latents is too small a number for float16. On its way through the network it is larger by a power of two, which
/// takes nothing from it elsewhere.
/// </summary>
internal static class GradientScale
{
    private const double Factor = 1 << 12;

    /// <summary>A gradient as it goes through a network.</summary>
    public static Tensor Up(Tensor gradient) => gradient * Scalar(Factor);

    /// <summary>What came out, at its own size.</summary>
    public static Tensor Down(Tensor gradient) => gradient / Scalar(Factor);
}
