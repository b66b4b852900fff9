using PromptToPrompt.Diffusion.Vae;
using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>How well an autoencoder reconstructs images.</summary>
/// <param name="Psnr">Mean peak signal-to-noise ratio in dB.</param>
/// <param name="Gradients">Mean gradient magnitude of the reconstructions over that of the images: 1 is as sharp, less is blurred.</param>
/// <param name="Edges">The same at the edges only: the tenth of each image's positions with the largest gradients.</param>
public sealed record ReconstructionFidelity(double Psnr, double Gradients, double Edges)
{
    private const double EdgeShare = 0.1;

    /// <summary>Measures an autoencoder.</summary>
    /// <param name="vae">The autoencoder in float32.</param>
    /// <param name="pixels">Images, [B, 3, H, W] in −1…1, on its device; processed one by one.</param>
    internal static ReconstructionFidelity Of(AutoencoderKL vae, Tensor pixels)
    {
        using var _ = no_grad();
        var each = Enumerable.Range(0, (int)pixels.shape[0]).Select(i =>
        {
            using var scope = NewDisposeScope();
            var original = pixels.narrow(0, i, 1);
            return Of(original, vae.Decode(vae.Encode(original)).clamp(Scalar(-1), Scalar(1)));
        }).ToList();
        return new(each.Average(f => f.Psnr), each.Average(f => f.Gradients), each.Average(f => f.Edges));
    }

    /// <summary>Compares an image with its reconstruction, [1, 3, H, W] in −1…1.</summary>
    internal static ReconstructionFidelity Of(Tensor original, Tensor decoded)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var error = (decoded - original).Squared().mean().ReadDouble();
        var (before, after) = (Magnitudes(original), Magnitudes(decoded));
        var edges = before.topk((int)(before.numel() * EdgeShare), 0).indexes;
        // The pixel range is 2, so the peak's square is 4.
        return new(10 * Math.Log10(4 / error), Ratio(after, before), Ratio(after.index_select(0, edges), before.index_select(0, edges)));
    }

    private static double Ratio(Tensor after, Tensor before) => after.mean().ReadDouble() / before.mean().ReadDouble();

    // √(∂ₓ² + ∂ᵧ²) of the luminance's forward differences, flat.
    private static Tensor Magnitudes(Tensor pixels)
    {
        var gray = pixels.mean([1]);
        var (height, width) = (gray.shape[1] - 1, gray.shape[2] - 1);
        var corner = gray.narrow(1, 0, height).narrow(2, 0, width);
        var down = gray.narrow(1, 1, height).narrow(2, 0, width) - corner;
        var right = gray.narrow(1, 0, height).narrow(2, 1, width) - corner;
        return down.Squared().Plus(right.Squared()).sqrt().flatten();
    }
}
