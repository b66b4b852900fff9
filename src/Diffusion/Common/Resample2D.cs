using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Common;

/// <summary>Halves height and width with a strided convolution.</summary>
/// <param name="weights">Scope of the downsampler.</param>
/// <param name="channels">Channels in and out.</param>
/// <param name="padRightBottom">Whether to pad only on the right and at the bottom (autoencoder) instead of on all sides (U-Net).</param>
internal sealed class Downsample2D(WeightScope weights, int channels, bool padRightBottom = false)
{
    private readonly Conv2d conv = new(weights["conv"], channels, channels, 3, stride: 2, padding: padRightBottom ? 0 : 1);

    public Tensor Forward(Tensor x)
    {
        if (!padRightBottom)
            return conv.Forward(x);
        using var padded = nn.functional.pad(x, [0, 1, 0, 1]);
        return conv.Forward(padded);
    }
}

/// <summary>Enlarges by nearest-neighbor interpolation, then convolves.</summary>
internal sealed class Upsample2D(WeightScope weights, int channels)
{
    private readonly Conv2d conv = new(weights["conv"], channels, channels, 3, padding: 1);

    /// <summary>[B, C, H, W] → [B, C, height, width].</summary>
    public Tensor Forward(Tensor x, long height, long width)
    {
        using var enlarged = nn.functional.interpolate(x, [height, width], mode: InterpolationMode.Nearest);
        return conv.Forward(enlarged);
    }
}
