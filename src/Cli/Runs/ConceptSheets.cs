using System.Globalization;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.TextualInversion;

namespace PromptToPrompt.Cli.Runs;

/// <summary>
/// Sample sheets of a learned word: the training pictures, samples of the initial word, and samples of the new word from the
/// same noise.
/// </summary>
/// <param name="training">The training.</param>
/// <param name="settings">Its settings.</param>
/// <param name="images">The pictures.</param>
/// <param name="prompts">Prompts with <see cref="PromptTemplates.Place"/> in place of the word.</param>
/// <param name="count">Samples for each word; 0 for no sheets.</param>
/// <param name="path">The word's file; sheets are written next to it.</param>
/// <param name="cancellationToken">Stops the drawing.</param>
internal sealed class ConceptSheets(
    TextualInversionTraining training, TextualInversionSettings settings, IReadOnlyList<ExampleImage> images, IReadOnlyList<string> prompts, int count,
    string path, CancellationToken cancellationToken)
{
    private const int MinColumns = 4;
    private const int CellSide = 192;
    private readonly List<string> files = [];
    private IReadOnlyList<Image>? before;

    /// <summary>Full paths of the written files.</summary>
    public IReadOnlyList<string> Files => files;

    /// <summary>Name of the sheet of the finished word.</summary>
    public static string LastOf(string path) => Path.ChangeExtension(path, null) + ".samples.png";

    /// <summary>Draws a sheet during training.</summary>
    public void Add() => Draw(string.Create(CultureInfo.InvariantCulture, $"{Path.ChangeExtension(path, null)}.samples-{training.Step:D6}.png"));

    /// <summary>Draws the sheet of the finished word.</summary>
    public void AddLast() => Draw(LastOf(path));

    private void Draw(string file)
    {
        if (count == 0)
            return;
        var columns = Math.Max(count, MinColumns);
        before ??= DrawAll(settings.Initial);
        var after = DrawAll(settings.Word);
        SheetCell?[] cells =
        [
            .. Row(images.Take(columns).Select(image => new SheetCell(image.Image.ToBitmap(), "given"))),
            .. Row(before.Select((image, i) => Cell(i, image, settings.Initial))),
            .. Row(after.Select((image, i) => Cell(i, image, settings.Word))),
        ];
        using var sheet = Sheet.Draw(cells, columns, CellSide, string.Create(CultureInfo.InvariantCulture, $"{settings.Word} after {training.Step} steps. Each column is drawn from one noise."));
        foreach (var cell in cells)
            cell?.Image.Dispose();
        Image.SavePng(sheet, file);
        files.Add(file);

        SheetCell Cell(int i, Image image, string word) => new(image.ToBitmap(), PromptOf(i, word), StandsOut: word == settings.Word);

        // Fill the row.
        IEnumerable<SheetCell?> Row(IEnumerable<SheetCell> row) => row.Concat(Enumerable.Repeat<SheetCell?>(null, columns)).Take(columns);
    }

    private List<Image> DrawAll(string word) =>
        [.. Enumerable.Range(0, count).Select(i => training.Draw(PromptOf(i, word), seed: (ulong)i, images[0].Image.Size, cancellationToken))];

    private string PromptOf(int i, string word) => PromptTemplates.Fill(prompts[i % prompts.Count], word);
}
