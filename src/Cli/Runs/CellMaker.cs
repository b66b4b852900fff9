using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Runs;

/// <summary>
/// Makes the cells of a grid. The source of several cells runs once, and its image comes before theirs. A given image is its own source, so that it runs only if
/// edits need its recording. A cell that fails leaves its place empty.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="cells">The cells.</param>
/// <param name="isGiven">Whether the sources are inversions of one given image.</param>
internal sealed class CellMaker(StableDiffusionModel model, IReadOnlyList<Cell> cells, bool isGiven) : IDisposable
{
    private readonly List<MadeImage> made = [];
    private readonly List<FailedCell> failed = [];
    private readonly List<IGrouping<GenerationRequest, Cell>> groups = [.. cells.GroupBy(each => each.Request.Source)];

    /// <summary>The finished images, in the order in which they were made.</summary>
    public IReadOnlyList<MadeImage> Made => made;

    /// <summary>The cells that failed.</summary>
    public IReadOnlyList<FailedCell> Failed => failed;

    /// <summary>Number of different sources. The inversions of a given image count.</summary>
    public int Sources => groups.Count;

    /// <summary>Names of the files of sources. A given image is shown once.</summary>
    public IReadOnlyList<string> SourceNames => isGiven || groups.Count == 1 ? ["source.png"] : [.. groups.Select((_, number) => $"source-{number + 1}.png")];

    /// <summary>Makes all cells.</summary>
    /// <param name="save">Called after each cell.</param>
    /// <param name="progress">Receives the progress of the whole grid.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public void Make(Action save, IProgress<EditProgress>? progress, CancellationToken cancellationToken)
    {
        // A source that needs more memory runs again with each cell.
        var limit = RecordingLimit.Of(model.Device).Total;
        List<bool> runs = [.. groups.Select(RunsSource)];
        var parts = new PartProgress(progress, groups.Zip(runs).Sum(each => (each.Second ? StepsOf(each.First.Key) : 0) + each.First.Sum(StepsOf)));
        foreach (var (number, group) in groups.Index())
        {
            using var session = Open(group);
            var ofSource = runs[number] ? parts.Next(StepsOf(group.Key)) : null;
            var problem = !runs[number] ? null : Try(() =>
            {
                var source = session.RunSource(progress: ofSource, cancellationToken: cancellationToken);
                if (isGiven)
                    source.Dispose();
                else
                    made.Add(new MadeImage(SourceNames[number], null, group.First().Request, source));
            });
            foreach (var cell in group)
            {
                var ofCell = parts.Next(StepsOf(cell));
                if ((problem ?? Try(() => Add(cell, session.Edit(cell.Request.Edit, progress: ofCell, cancellationToken: cancellationToken)))) is { } found)
                    failed.Add(new FailedCell(cell, found));
                else
                    save();
            }
        }

        EditSession Open(IGrouping<GenerationRequest, Cell> group) => new(
            model, group.Key, model.Dtype, limit, group.Max(each => each.Request.Edit.SelfResolution), group.Any(each => each.Request.Edit.SelfUnconditional));

        bool RunsSource(IGrouping<GenerationRequest, Cell> group)
        {
            using var session = Open(group);
            return !isGiven || group.Any(each => session.NeedsSource(each.Request.Edit));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var result in made.Select(image => image.Result).Distinct())
            result.Dispose();
    }

    private void Add(Cell cell, EditResult result)
    {
        if (isGiven && made.Count == 0)
            made.Add(new MadeImage(SourceNames[0], null, cell.Request, result));
        made.Add(new MadeImage(cell.Name, cell, cell.Request, result));
    }

    // Steps of a source's pass, without those that its inversion skips.
    private static int StepsOf(GenerationRequest source) => source.Sampling.Steps - (source.Inverted?.Settings.FirstStep ?? 0);

    private static int StepsOf(Cell cell) =>
        Math.Min(StepsOf(cell.Request.Source), cell.Request.Sampling.Steps - cell.Request.Edit.Method.FirstStep(cell.Request.Sampling.Steps));

    private static Exception? Try(Action work)
    {
        try
        {
            work();
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e;
        }
    }

    // The progress of a grid from that of its passes.
    private sealed class PartProgress(IProgress<EditProgress>? whole, int total)
    {
        private int before;

        public IProgress<EditProgress>? Next(int steps)
        {
            var start = before;
            before += steps;
            return whole is null ? null : new Part(value => whole.Report(value with { Step = start + value.Step, Steps = total }));
        }

        private sealed class Part(Action<EditProgress> report) : IProgress<EditProgress>
        {
            public void Report(EditProgress value) => report(value);
        }
    }
}
