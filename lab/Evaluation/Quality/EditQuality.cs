using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>Runs pairs of prompts with attention control and, from the same noise, without, and measures what stayed and what changed.</summary>
/// <param name="model">The model.</param>
/// <param name="options">How the pairs are run.</param>
/// <param name="colours">Names the colour of a region.</param>
/// <param name="judge">Says what a picture shows.</param>
public sealed class EditQuality(StableDiffusionModel model, EditQualityOptions options, ColourReader colours, PictureJudge judge)
{
    // A made picture has no drawn mask: the changed words' own attention tells their region.
    private const double RegionThreshold = 0.4;

    // For the colour only the heart of the region counts, which is surely the object.
    private const double CoreThreshold = 0.75;

    /// <summary>Measures pair after pair.</summary>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public IEnumerable<EditMeasurement> Measure(CancellationToken cancellationToken = default)
    {
        var pairs = EditPairs.Make(options.Pairs, options.Seed);
        for (var i = 0; i < pairs.Count; i++)
            yield return Measure(pairs[i], (ulong)(options.Seed + i), cancellationToken);
    }

    /// <summary>Whether edits of a kind concern a region, and not the whole picture.</summary>
    internal static bool HasRegion(EditKind kind) => kind is EditKind.SubjectSwap or EditKind.ColourSwap or EditKind.PlaceSwap;

    private EditMeasurement Measure(EditPair pair, ulong seed, CancellationToken cancellationToken)
    {
        using var run = new PairRun(model, pair, options, seed, cancellationToken);
        var judgements = judge.Judge(run.Pictures);
        var source = run.Pictures[0];
        var region = HasRegion(pair.Kind) ? Region(pair, run, source) : null;
        return new EditMeasurement(
            pair, source, judgements[0], region?.Average(inside => inside ? 0.0 : 1.0), Target(1), run.Pictures.Count > 2 ? Target(2) : null);

        TargetMeasurement Target(int index) => new(
            run.Pictures[index],
            judgements[index],
            region is null ? null : PictureComparison.DifferenceOutside(source, run.Pictures[index], region),
            PictureComparison.Difference(source, run.Pictures[index]),
            PictureComparison.StructureAgreement(source, run.Pictures[index]),
            pair.Kind == EditKind.ColourSwap ? HasTargetColour(pair, run, index) : null);
    }

    // One region for both comparisons, which holds the object wherever any of the three pictures has it: an object that moved without
    // control is so not held against running without control.
    private static bool[] Region(EditPair pair, PairRun run, Picture picture)
    {
        var regions = run.Pictures.Select((_, index) => run.Map(index, index == 0 ? pair.SourceWords : pair.TargetWords)
            .PixelRegion(picture.Width, picture.Height, RegionThreshold, dilated: true)).ToList();
        return [.. Enumerable.Range(0, regions[0].Length).Select(i => regions.Any(region => region[i]))];
    }

    private bool HasTargetColour(EditPair pair, PairRun run, int index)
    {
        var picture = run.Pictures[index];
        var core = run.Map(index, pair.TargetWords).PixelRegion(picture.Width, picture.Height, CoreThreshold, dilated: false);
        return colours.Read(picture.Rgb, core) == pair.Target.Colour;
    }
}
