using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Evaluation.Measures;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Quality;

/// <summary>Runs pairs of prompts with attention control and, from the same noise, without, and measures what stayed and what changed.</summary>
public static class EditQuality
{
    // A made picture has no drawn mask: the changed words' own attention tells their region.
    private const double RegionThreshold = 0.4;

    // For the colour only the heart of the region counts, which is surely the object.
    private const double CoreThreshold = 0.75;

    /// <summary>Measures pair after pair.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How the pairs are run.</param>
    /// <param name="colours">Names colours.</param>
    /// <param name="cancel">Stops before the next step.</param>
    public static IEnumerable<EditMeasurement> Measure(
        StableDiffusionModel model, EditQualityOptions options, ColourReader colours, CancellationToken cancel = default)
    {
        var pairs = EditPairs.Make(options.Pairs, options.Seed);
        for (var i = 0; i < pairs.Count; i++)
            yield return Measure(model, pairs[i], options, options.Seed + i, colours, cancel);
    }

    private static EditMeasurement Measure(
        StableDiffusionModel model, EditPair pair, EditQualityOptions options, long seed, ColourReader colours, CancellationToken cancel)
    {
        using var session = new EditSession(model, new EditRequest
        {
            Source = pair.SourcePrompt,
            Steps = options.Steps,
            Guidance = options.Guidance,
            Seed = seed,
            WatchAttention = true,
        });
        using var source = session.RunSource(cancel: cancel);
        using var controlled = session.Edit(request => Edit(request, options.CrossSteps, options.SelfSteps), cancel: cancel);
        using var free = session.Edit(request => Edit(request, crossSteps: 0, selfSteps: 0), cancel: cancel);
        var (before, after, without) = (source.Pictures[0], controlled.Pictures[0], free.Pictures[0]);
        var region = Region(pair, source, controlled, free);
        var isColour = pair.Kind == EditKind.ColourSwap;
        return new EditMeasurement(
            pair,
            before,
            after,
            without,
            region is null ? null : PictureComparison.DifferenceOutside(before, after, region),
            region is null ? null : PictureComparison.DifferenceOutside(before, without, region),
            region?.Average(inside => inside ? 0.0 : 1.0),
            PictureComparison.Difference(before, after),
            PictureComparison.Difference(before, without),
            PictureComparison.StructureAgreement(before, after),
            PictureComparison.StructureAgreement(before, without),
            isColour ? HasTargetColour(pair, controlled, colours) : null,
            isColour ? HasTargetColour(pair, free, colours) : null);

        EditRequest Edit(EditRequest request, double crossSteps, double selfSteps) => request with
        {
            Targets = [pair.TargetPrompt],
            Edit = new EditSpecification
            {
                CrossSteps = new CrossReplaceSteps(StepWindow.Until(crossSteps)),
                SelfSteps = StepWindow.Until(selfSteps),
                Weights = pair.Word is { } word ? [new WordWeight(word, options.Weight)] : [],
            },
        };
    }

    // One region for both comparisons, which holds the object wherever any of the three pictures has it: an object that moved without
    // control is so not held against running without control.
    private static bool[]? Region(EditPair pair, EditResult source, EditResult controlled, EditResult free)
    {
        if (pair.Kind is not (EditKind.SubjectSwap or EditKind.ColourSwap or EditKind.PlaceSwap))
            return null;
        var picture = source.Pictures[0];
        bool[][] regions =
        [
            WordMap.Of(source.Maps!, 0, source.Prompts[0], pair.SourceWords).PixelRegion(picture.Width, picture.Height, RegionThreshold, dilated: true),
            .. new[] { controlled, free }.Select(edit =>
                WordMap.Of(edit.Maps!, 1, edit.Prompts[1], pair.TargetWords).PixelRegion(picture.Width, picture.Height, RegionThreshold, dilated: true)),
        ];
        return [.. Enumerable.Range(0, regions[0].Length).Select(i => regions.Any(region => region[i]))];
    }

    private static bool HasTargetColour(EditPair pair, EditResult edit, ColourReader colours)
    {
        var picture = edit.Pictures[0];
        var core = WordMap.Of(edit.Maps!, 1, edit.Prompts[1], pair.TargetWords).PixelRegion(picture.Width, picture.Height, CoreThreshold, dilated: false);
        return colours.Read(picture.Rgb, core) == pair.Target.Colour;
    }
}
