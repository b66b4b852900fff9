using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// Rows of a step that replace those of classifier-free guidance: any number for each image, each with its own text. Images with a known trajectory have none.
/// </summary>
internal sealed record OwnRows
{
    /// <summary>The rows: the position of each row's image in the batch, and its name for attention processors.</summary>
    public required IReadOnlyList<(int Image, BatchRow Row)> Rows { get; init; }

    /// <summary>The conditioning of each row; the caller disposes it.</summary>
    public required Conditioning Conditioning { get; init; }

    /// <summary>Whether the conditional row of an image with a known trajectory is computed too, before the others, because its attention is read.</summary>
    public bool ReadsKnown { get; init; }

    /// <summary>Makes the predictions of the images, in their order, from the step and the predictions of all rows.</summary>
    public required Func<int, Tensor, Tensor> Combine { get; init; }
}
