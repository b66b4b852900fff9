using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>Sinusoidal embedding with frequencies that fall geometrically from 1 to 1/10000 (Vaswani et al., arXiv 1706.03762, §3.5).</summary>
internal static class Sinusoids
{
    /// <summary>[n] → [n, channels] float32.</summary>
    /// <param name="values">The values to embed.</param>
    /// <param name="channels">Number of sines and cosines together.</param>
    /// <param name="cosineFirst">Whether the cosines precede the sines.</param>
    /// <param name="frequencyShift">Subtracted from the number of frequencies in the exponent's denominator.</param>
    public static Tensor Of(Tensor values, int channels, bool cosineFirst, double frequencyShift)
    {
        using var scope = NewDisposeScope();
        var half = channels / 2;
        var exponent = arange(Scalar(0), Scalar(half), Scalar(1), dtype: ScalarType.Float32, device: values.device) * Scalar(-Math.Log(10000) / (half - frequencyShift));
        var angles = values.to(ScalarType.Float32).unsqueeze(1) * exponent.exp().unsqueeze(0);
        return (cosineFirst ? cat([angles.cos(), angles.sin()], 1) : cat([angles.sin(), angles.cos()], 1)).MoveToOuterDisposeScope();
    }
}
