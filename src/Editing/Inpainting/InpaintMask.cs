using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using TorchSharp;
using static PromptToPrompt.Diffusion.Native.HeldScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inpainting;

/// <summary>
/// Where a picture may change. A mask is a picture; a pixel may change when it is brighter than half, and there is nothing in between, so that
/// "outside" has a meaning for every pixel. Soft edges lie inside.
/// </summary>
public static class InpaintMask
{
    /// <summary>The mask in pure black and white.</summary>
    public static Picture Binary(Picture mask)
    {
        var binary = new byte[mask.Rgb.Length];
        for (var i = 0; i < binary.Length; i += 3)
            binary.AsSpan(i, 3).Fill(mask.Rgb[i] + mask.Rgb[i + 1] + mask.Rgb[i + 2] > 3 * byte.MaxValue / 2 ? byte.MaxValue : byte.MinValue);
        return mask with { Rgb = binary };
    }

    /// <summary>How much of each pixel is replaced: 0 outside the mask, and from 0 to 1 within <paramref name="feather"/> pixels of its edge.</summary>
    /// <param name="binary">A mask in black and white.</param>
    /// <param name="feather">Width of the soft edge in pixels.</param>
    /// <returns>One share for each pixel, row by row.</returns>
    /// <exception cref="InvalidInputException">The soft edge leaves nothing of the mask.</exception>
    public static float[] Shares(Picture binary, double feather)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var mask = binary.ToTensor().select(2, 0).to(ScalarType.Float32).div(Held(byte.MaxValue));
        if (feather / 2 is > 0 and var sigma)
        {
            // A straight edge is half grey after blurring; what is above that lies inside and is stretched to 0…1.
            mask *= Blurred(mask, sigma).mul(Held(2)).sub(Held(1)).clamp(Held(0), Held(1));
            if (mask.max().ReadDouble() == 0)
                throw new InvalidInputException($"--feather {feather} is wider than the mask; give fewer pixels.");
        }

        return mask.data<float>().ToArray();
    }

    /// <summary>One picture over another, by shares.</summary>
    public static Picture Composite(Picture under, Picture over, float[] shares)
    {
        var mixed = new byte[under.Rgb.Length];
        for (var i = 0; i < mixed.Length; i++)
            mixed[i] = (byte)MathF.Round(under.Rgb[i] + (shares[i / 3] * (over.Rgb[i] - under.Rgb[i])));
        return under with { Rgb = mixed };
    }

    /// <summary>Gaussian blur of [height, width]; beyond the border lies what is at it.</summary>
    private static Tensor Blurred(Tensor image, double sigma)
    {
        var radius = (int)Math.Ceiling(3 * sigma);
        var weights = Enumerable.Range(-radius, (2 * radius) + 1).Select(i => Math.Exp(-0.5 * (i / sigma) * (i / sigma))).ToArray();
        var total = weights.Sum();
        var padded = nn.functional.pad(image.unsqueeze(0).unsqueeze(0), [radius, radius, radius, radius], PaddingModes.Replicate);
        return Along(Along(padded, 3), 2).squeeze(0).squeeze(0);

        // A weighted sum of shifted pictures: for one channel a convolution would do no less.
        Tensor Along(Tensor x, long dimension)
        {
            var length = x.shape[dimension] - (2 * radius);
            var sum = x.narrow(dimension, 0, length).mul(Held(weights[0] / total));
            for (var i = 1; i < weights.Length; i++)
                sum.add_(x.narrow(dimension, i, length), Held(weights[i] / total));
            return sum;
        }
    }
}
