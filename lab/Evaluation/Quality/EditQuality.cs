using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>
/// Runs pairs of prompts with and without attention control from the same noise, and measures what stayed and what changed.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">The run options.</param>
/// <param name="colors">Names the color of a region.</param>
/// <param name="judge">Judges what an image shows.</param>
internal sealed class EditQuality(StableDiffusionModel model, EditQualityOptions options, ColorReader colors, ImageJudge judge)
{
    // A generated image has no mask; the changed words' attention defines their region.
    private const double RegionThreshold = 0.4;

    // The color is read only at the center of the region, which certainly belongs to the object.
    private const double CoreThreshold = 0.75;

    /// <summary>Measures pair by pair.</summary>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public IEnumerable<EditMeasurement> Measure(CancellationToken cancellationToken = default)
    {
        var pairs = EditPairs.Make(options.Pairs, options.Seed);
        for (var i = 0; i < pairs.Count; i++)
            yield return Measure(pairs[i], (ulong)(options.Seed + i), cancellationToken);
    }

    /// <summary>Whether edits of a kind concern a region instead of the whole image.</summary>
    internal static bool HasRegion(EditKind kind) => kind is EditKind.SubjectSwap or EditKind.ColorSwap or EditKind.PlaceSwap;

    private EditMeasurement Measure(EditPair pair, ulong seed, CancellationToken cancellationToken)
    {
        using var run = new PairRun(model, pair, options, seed, cancellationToken);
        var judgements = judge.Judge(run.Images);
        var source = run.Images[0];
        var region = HasRegion(pair.Kind) ? Region(pair, run, source) : null;
        return new EditMeasurement(
            pair, source, judgements[0], region?.Average(inside => inside ? 0.0 : 1.0), Target(1), run.Images.Count > 2 ? Target(2) : null);

        TargetMeasurement Target(int index) => new(
            run.Images[index],
            judgements[index],
            region is null ? null : ImageComparison.DifferenceOutside(source, run.Images[index], region),
            ImageComparison.Difference(source, run.Images[index]),
            ImageComparison.StructureAgreement(source, run.Images[index]),
            pair.Kind == EditKind.ColorSwap ? HasTargetColor(pair, run, index) : null);
    }

    // One region for both comparisons, covering the object in all three images, so that an object that moved without control does not count
    // against the run without control.
    private static bool[] Region(EditPair pair, PairRun run, Image image)
    {
        var regions = run.Images.Select((_, index) => run.Map(index, index == 0 ? pair.SourceWords : pair.TargetWords)
            .PixelRegion(image.Width, image.Height, RegionThreshold, dilated: true)).ToList();
        return [.. Enumerable.Range(0, regions[0].Length).Select(i => regions.Any(region => region[i]))];
    }

    private bool HasTargetColor(EditPair pair, PairRun run, int index)
    {
        var image = run.Images[index];
        var core = run.Map(index, pair.TargetWords).PixelRegion(image.Width, image.Height, CoreThreshold, dilated: false);
        return colors.Read(image.Rgb, core) == pair.Target.Color;
    }
}
