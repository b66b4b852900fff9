using PromptToPrompt.Batch.Making;
using PromptToPrompt.Metrics;

namespace PromptToPrompt.Batch.Filters;

/// <summary>Measures pairs and compares the measures with bounds.</summary>
/// <param name="clip">CLIP with its tokenizer; null without one. The filter disposes it.</param>
/// <param name="dino">DINO; null without one. The filter disposes it.</param>
/// <param name="rules">The rules. Their measures are among those of the models, or of pixels.</param>
internal sealed class MeasureFilter(ClipModel? clip, DinoModel? dino, IReadOnlyList<KeepRule> rules) : PairFilter
{
    private readonly ClipVectors? vectors = clip is null ? null : new(clip);

    /// <summary>CLIP; null without one.</summary>
    public ClipModel? Clip => clip;

    /// <summary>DINO; null without one.</summary>
    public DinoModel? Dino => dino;

    /// <inheritdoc/>
    public override bool Keeps(Pair pair, CancellationToken cancellationToken)
    {
        var scores = pair.Scores;
        if (rules.Any(rule => KeepRule.OfPixels.Contains(rule.Measure)))
        {
            var pixels = PixelMetrics.Of(pair.Source, pair.Edited);
            // JSON has no infinity; equal images are beyond every bound.
            (scores["psnr"], scores["mse"], scores["ssim"]) = (Math.Min(pixels.Psnr, double.MaxValue), pixels.Mse, pixels.Ssim);
        }

        if (dino is not null)
            scores[KeepRule.OfDino] = dino.StructureDistance(pair.Source, pair.Edited);
        if (vectors is not null)
        {
            var similarity = vectors.Compare(pair.Source, pair.Edited, pair.Item.Source, pair.Target);
            (scores["clip_image"], scores["clip_text_source"], scores["clip_text_target"]) = (similarity.Images, similarity.Texts[0], similarity.Texts[1]);
            // Equal images or prompts have no direction, and no direction is no likeness.
            scores["clip_direction"] = double.IsFinite(similarity.Direction!.Value) ? similarity.Direction.Value : 0;
        }

        return rules.All(rule => rule.Holds(scores));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        vectors?.Dispose();
        dino?.Dispose();
    }
}
