using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Metrics;
using static TorchSharp.torch;

namespace PromptToPrompt.Batch.Filters;

/// <summary>CLIP's vectors that several pairs need: those of captions, which all samples of an item share, and of the latest source, which all its edits share.</summary>
/// <param name="clip">The model with its tokenizer. It is disposed too.</param>
internal sealed class ClipVectors(ClipModel clip) : IDisposable
{
    // More than an item has.
    private const int MaxCaptions = 64;

    private readonly Dictionary<string, Tensor> captions = new(StringComparer.Ordinal);
    private (Image Image, Tensor Vector)? latest;

    /// <summary>The vector of a caption, [1, width]. Not for the caller to dispose.</summary>
    public Tensor OfCaption(string caption)
    {
        if (captions.TryGetValue(caption, out var known))
            return known;
        return captions[caption] = clip.Embed(caption).DetachFromDisposeScope();
    }

    /// <summary>The vector of a source, [1, width]. Not for the caller to dispose.</summary>
    public Tensor OfSource(Image source)
    {
        if (latest is { } known && ReferenceEquals(known.Image, source))
            return known.Vector;
        latest?.Vector.Dispose();
        latest = null;
        latest = (source, clip.Embed(source).DetachFromDisposeScope());
        return latest.Value.Vector;
    }

    /// <summary>Compares a source and its edit, and each with its caption.</summary>
    public ClipSimilarity Compare(Image source, Image edited, string sourceCaption, string editedCaption)
    {
        if (captions.Count > MaxCaptions)
            ForgetCaptions();
        using var vector = clip.Embed(edited);
        return ClipSimilarity.Of(OfSource(source), vector, [OfCaption(sourceCaption), OfCaption(editedCaption)]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ForgetCaptions();
        latest?.Vector.Dispose();
        clip.Dispose();
    }

    private void ForgetCaptions()
    {
        foreach (var vector in captions.Values)
            vector.Dispose();
        captions.Clear();
    }
}
