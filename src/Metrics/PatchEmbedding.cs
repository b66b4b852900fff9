using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Files;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics;

/// <summary>
/// The input of a vision transformer (Dosovitskiy et al., arXiv 2010.11929): a class token and an affine map of each square patch of the image, plus their positions.
/// </summary>
/// <param name="classToken">[width], with any leading dimensions of 1.</param>
/// <param name="positions">[1 + patches, width], with any leading dimensions of 1.</param>
/// <param name="weight">The kernel, [width, 3, patch, patch].</param>
/// <param name="bias">[width]; null for none.</param>
internal sealed class PatchEmbedding(Tensor classToken, Tensor positions, Tensor weight, Tensor? bias)
{
    /// <summary>Number of tokens for an image: the class token and the patches.</summary>
    public static int Tokens(int side, int patch) => 1 + (side / patch * (side / patch));

    /// <summary>Requires that patches divide the image, and heads the width.</summary>
    /// <exception cref="Diffusion.InvalidInputException">They do not.</exception>
    public static void RequireFit(JsonConfig config, int side, int patch, int width, int heads)
    {
        if (side % patch != 0)
            throw config.Error("patch_size", $"is {patch}, which does not divide the side of {side} pixels");
        if (width % heads != 0)
            throw config.Error("num_attention_heads", $"is {heads}, which does not divide the width of {width}");
    }

    /// <summary>Embeds images, [B, 3, side, side] → [B, 1 + patches, width].</summary>
    public Tensor Forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        long images = pixels.shape[0], patch = weight.shape[2], down = pixels.shape[2] / patch, across = pixels.shape[3] / patch;
        // A convolution whose stride is its kernel is a matrix product, which is right on every processor.
        var patches = pixels.reshape(images, 3, down, patch, across, patch).permute(0, 2, 4, 1, 3, 5).reshape(images, down * across, -1);
        var embedded = nn.functional.linear(patches, weight.flatten(1), bias);
        return cat([classToken.expand(images, 1, -1), embedded], 1).Plus(positions).MoveToOuterDisposeScope();
    }
}
