using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics;

/// <summary>How alike CLIP finds two images and their captions, as cosines.</summary>
/// <param name="Images">The two images.</param>
/// <param name="Texts">Each image and its caption.</param>
/// <param name="Direction">The change of the image and that of the caption; null without two captions.</param>
internal sealed record ClipSimilarity(double Images, IReadOnlyList<double> Texts, double? Direction)
{
    /// <summary>Compares two images.</summary>
    /// <param name="clip">The model.</param>
    /// <param name="one">One image.</param>
    /// <param name="other">The other.</param>
    /// <param name="captions">A caption for each image, for the first alone, or none.</param>
    public static ClipSimilarity Of(ClipModel clip, Image one, Image other, IReadOnlyList<string> captions)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return Of(clip.Embed(one), clip.Embed(other), [.. captions.Select(clip.Embed)]);
    }

    /// <summary>Compares vectors of two images, [1, width] each, and of their captions.</summary>
    public static ClipSimilarity Of(Tensor one, Tensor other, IReadOnlyList<Tensor> captions)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] images = [one, other];
        return new(Cosine(one, other), [.. captions.Zip(images, Cosine)], captions.Count == images.Length ? Cosine(other - one, captions[1] - captions[0]) : null);
    }

    /// <summary>How alike CLIP finds an image and a caption, as a cosine.</summary>
    public static double Of(ClipModel clip, Image image, string caption)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return Cosine(clip.Embed(image), clip.Embed(caption));
    }

    private static double Cosine(Tensor a, Tensor b) => nn.functional.cosine_similarity(a, b, -1).ReadDouble();
}
