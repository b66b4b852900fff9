using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Evaluation.Inversions;
using SkiaSharp;

namespace PromptToPrompt.Lab.Benches;

/// <summary>Images of <c>p2p-lab bench inversion</c>: the reconstructions and edits of each contender.</summary>
internal static class InversionSheet
{
    private const int Side = 128;

    public static SKBitmap Draw(IReadOnlyList<MeasuredGroup> measured, IReadOnlyList<InversionContender> contenders)
    {
        var bitmaps = new List<SKBitmap>();
        var shown = contenders.Where(contender => contender.IsEdited).ToList();
        if (shown.Count == 0)
            shown = [.. contenders];
        var sections = measured.SelectMany(group => group.Trials.Where(trial => trial.Images is not null && shown.Contains(trial.Contender)).GroupBy(trial => trial.Sample))
            .Select(group => Section(group.Key, [.. group.Select(trial => trial.Images!)])).ToList();
        var sheet = ImageTable.Draw(["picture", "autoencoder", .. shown.Select(contender => contender.Name)], sections, Side);
        bitmaps.ForEach(bitmap => bitmap.Dispose());
        return sheet;

        ImageSection Section(SampleImage sample, List<TrialImages> tried) => new(
            sample.Edit is { } edit ? $"{sample.Prompt} → {edit.Pair.TargetPrompt}" : sample.Prompt,
            [
                Row("reconstructed", sample.Image, tried[0].Ceiling, tried.Select(images => images.Source)),
                Row("retraced", sample.Image, tried[0].Ceiling, tried.Select(images => images.Retraced)),
                // The drawn target is shown next to an edit.
                .. sample.Edit is null || tried[0].Edited is null ? Array.Empty<ImageRow>() :
                [
                    Row("edit", sample.Edit.Target, tried[0].Ceiling, tried.Select(images => images.Edited!)),
                    Row("without control", sample.Edit.Target, tried[0].Ceiling, tried.Select(images => images.Free!)),
                ],
            ]);

        ImageRow Row(string label, Image image, Image ceiling, IEnumerable<Image> tried)
        {
            List<SKBitmap> row = [.. tried.Prepend(ceiling).Prepend(image).Select(one => one.ToBitmap())];
            bitmaps.AddRange(row);
            return new(label, StandsOut: label == "edit", row);
        }
    }
}
