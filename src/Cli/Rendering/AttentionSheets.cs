using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Editing.Sessions;
using SkiaSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Sheets of what the words of the source prompt look at.</summary>
internal static class AttentionSheets
{
    private const int Columns = 5;
    private const int ShownSteps = 6;
    private const int SmallSide = 200;

    /// <summary>The picture and, for each word, its attention averaged over all steps.</summary>
    public static SKBitmap Average(EditResult result)
    {
        using var mean = result.Maps!.Mean(0);
        using var picture = result.Pictures[0].ToBitmap();
        var cells = new List<SheetCell> { new(picture, result.Prompts[0].Text) };
        cells.AddRange(result.Prompts[0].Words.Select(word => new SheetCell(Draw(result, mean, word), word.Text)));
        return DrawAndFree(cells, Columns, cellSide: null);
    }

    /// <summary>A row for each word and a column for each of a few steps from the first to the last.</summary>
    public static SKBitmap OverTime(EditResult result)
    {
        var maps = result.Maps!;
        int[] steps = [.. Spread(maps.Steps)];
        var atSteps = steps.Select(step => maps.At(0, step)).ToList();
        var cells = result.Prompts[0].Words
            .SelectMany(word => steps.Select((step, k) => new SheetCell(Draw(result, atSteps[k], word), $"{word.Text} · step {step + 1}")))
            .ToList();
        atSteps.ForEach(map => map.Dispose());
        return DrawAndFree(cells, steps.Length, SmallSide);
    }

    // Denser at the beginning, where the layout of the picture is decided.
    private static IEnumerable<int> Spread(int count) =>
        Enumerable.Range(0, ShownSteps).Select(k => (int)Math.Round((count - 1) * Math.Pow(k / (ShownSteps - 1.0), 1.7))).Distinct();

    private static SKBitmap Draw(EditResult result, Tensor map, PromptWord word)
    {
        using var scope = NewDisposeScope();
        var columns = tensor(word.BareTokens.Select(token => (long)token).ToArray());
        var values = map.cpu().index_select(1, columns).mean([1]).contiguous().data<float>().ToArray();
        return HeatMap.Draw(result.Pictures[0], values, result.Maps!.Width, result.Maps.Height);
    }

    private static SKBitmap DrawAndFree(List<SheetCell> cells, int columns, int? cellSide)
    {
        var sheet = Sheet.Draw(cells, columns, cellSide);
        cells.ForEach(cell => cell.Picture.Dispose());
        return sheet;
    }
}
