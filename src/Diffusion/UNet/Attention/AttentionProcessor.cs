using PromptToPrompt.Diffusion.Common;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.UNet.Attention;

/// <summary>
/// The extension point of the model: every attention layer of the U-Net passes its queries, keys and values to the run's processor, and every residual block
/// its features.
/// A processor belongs to a run; the model itself is never changed.
/// </summary>
public abstract class AttentionProcessor
{
    /// <summary>The default processor: plain fused attention.</summary>
    public static AttentionProcessor Plain { get; } = new PlainAttention();

    /// <summary>Computes the layer's attention.</summary>
    /// <param name="call">Layer, step and sizes.</param>
    /// <param name="query">[rows, heads, positions, width].</param>
    /// <param name="key">[rows, heads, tokens, width]. Steps may share it: neither change nor dispose it.</param>
    /// <param name="value">[rows, heads, tokens, width]. Steps may share it, too.</param>
    /// <returns>[rows, heads, positions, width], a new tensor.</returns>
    public abstract Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value);

    /// <summary>
    /// The features that a residual block adds to its input: those given, unless a processor overrides this member. Plug-and-Play replaces them.
    /// </summary>
    /// <param name="call">Block and step.</param>
    /// <param name="features">The output of the block's convolutions, [rows, channels, h, w].</param>
    /// <returns>The same tensor or a new one of its shape. The block overwrites it.</returns>
    public virtual Tensor Residual(in ResidualCall call, Tensor features) => features;

    private sealed class PlainAttention : AttentionProcessor
    {
        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
            => ScaledDotProduct.Attend(query, key, value);
    }
}
