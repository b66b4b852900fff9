using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;
using SkiaSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Rendering;

/// <summary>Sheets of the attention maps of a run.</summary>
internal static class AttentionSheets
{
    private const int MaxRowLength = 9;
    private const int ShownSteps = 6;
    private const int ShownComponents = 9;
    private const int SmallSide = 150;
    private const int Side = 200;
    private const string Scaled = "Bright: high attention. Each map is scaled to its own maximum.";

    /// <summary>For each prompt its picture and, for each word, the word's attention averaged over all steps.</summary>
    public static SKBitmap Average(EditResult result)
    {
        // As few rows as readable captions allow, then as narrow as possible.
        var perRow = Enumerable.Range(1, MaxRowLength).MinBy(length => result.Prompts.Sum(prompt => (prompt.Words.Count + length - 1) / length));
        var cells = new List<SheetCell?>();
        for (var k = 0; k < result.Prompts.Count; k++)
        {
            using var mean = result.Maps!.Mean(k);
            var (prompt, image) = (result.Prompts[k], result.Images[k]);
            cells.Add(new SheetCell(image.ToBitmap(), prompt.Text));
            var heat = new HeatMap(image);
            for (var w = 0; w < prompt.Words.Count; w++)
            {
                if (w > 0 && w % perRow == 0)
                    cells.Add(null);
                var word = prompt.Words[w];
                cells.Add(new SheetCell(Draw(heat, result.Maps, mean, word), word.Text, IsNew(result, word)));
            }

            while (cells.Count % (perRow + 1) != 0)
                cells.Add(null);
        }

        return DrawAndFree(cells, perRow + 1, Note(result));
    }

    /// <summary>For each prompt a row for each word, with columns for a few steps from the first to the last.</summary>
    public static SKBitmap OverTime(EditResult result)
    {
        var maps = result.Maps!;
        // If a step is evaluated twice, the later evaluation counts.
        int[] all = [.. maps.Steps.GroupBy(result.StepOf).Select(evaluations => evaluations.Last())];
        int[] steps = [.. Spread(all.Length).Select(k => all[k])];
        var sections = new List<ImageSection>();
        for (var k = 0; k < result.Prompts.Count; k++)
        {
            using var scope = NewDisposeScope();
            var heat = new HeatMap(result.Images[k]);
            var atSteps = steps.Select(step => maps.At(k, step)).ToList();
            sections.Add(new ImageSection(
                result.Prompts[k].Text,
                [.. result.Prompts[k].Words.Select(word => new ImageRow(
                    word.Text, IsNew(result, word), [.. atSteps.Select(map => Draw(heat, maps, map, word))]))]));
        }

        sections.RemoveAll(section => section.Rows.Count == 0);
        var sheet = ImageTable.Draw([.. steps.Select(step => $"step {result.StepOf(step)}")], sections, SmallSide, Note(result));
        foreach (var image in sections.SelectMany(section => section.Rows).SelectMany(row => row.Images))
            image.Dispose();
        return sheet;
    }

    /// <summary>The source picture and the strongest patterns of its self-attention.</summary>
    public static SKBitmap Self(EditResult result)
    {
        var (map, image) = (result.SelfAttention!, result.Images[0]);
        var cells = new List<SheetCell?> { new(image.ToBitmap(), result.Prompts[0].Text) };
        var heat = new HeatMap(image);
        foreach (var component in map.Components(ShownComponents))
            cells.Add(new SheetCell(heat.Signed(component.Values, map.Width, map.Height), $"component {cells.Count} · {component.Share:P0}"));
        return DrawAndFree(cells, 5, "Places of one color attend alike. The percentage is a component's share of the variance.");
    }

    // Denser at the beginning, when the layout is decided.
    private static IEnumerable<int> Spread(int count) =>
        Enumerable.Range(0, ShownSteps).Select(k => (int)Math.Round((count - 1) * Math.Pow(k / (ShownSteps - 1.0), 1.7))).Distinct();

    private static bool IsNew(EditResult result, PromptWord word) => !result.Prompts[0].TryFind(word.Text, out _);

    private static string Note(EditResult result) => result.Prompts.Count == 1 ? Scaled : $"{Scaled} Words in red are not in the source.";

    private static SKBitmap Draw(HeatMap heat, AttentionMaps maps, Tensor map, PromptWord word) =>
        heat.Over(AttentionMaps.OfTokens(map, word.BareTokens), maps.Width, maps.Height);

    private static SKBitmap DrawAndFree(List<SheetCell?> cells, int columns, string note)
    {
        var sheet = Sheet.Draw(cells, columns, Side, note);
        cells.ForEach(cell => cell?.Image.Dispose());
        return sheet;
    }
}
