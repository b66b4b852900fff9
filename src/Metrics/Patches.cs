using static TorchSharp.torch;

namespace PromptToPrompt.Metrics;

/// <summary>The first layer of a vision transformer: an affine map of each square patch of an image.</summary>
internal static class Patches
{
    /// <summary>Embeds the patches. A convolution whose stride is its kernel is a matrix product, which is right on every processor.</summary>
    /// <param name="pixels">[B, 3, side, side].</param>
    /// <param name="weight">The kernel, [width, 3, patch, patch].</param>
    /// <param name="bias">[width]; null for none.</param>
    /// <returns>[B, patches, width], row by row.</returns>
    public static Tensor Embed(Tensor pixels, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        long patch = weight.shape[2], across = pixels.shape[3] / patch, down = pixels.shape[2] / patch;
        var patches = pixels.reshape(pixels.shape[0], 3, down, patch, across, patch).permute(0, 2, 4, 1, 3, 5).reshape(pixels.shape[0], down * across, -1);
        return nn.functional.linear(patches, weight.flatten(1), bias).MoveToOuterDisposeScope();
    }
}
