using System.CommandLine;
using System.Runtime.ExceptionServices;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Grids;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p grid</c>: the same edit with different settings, as a labeled table. A source runs once for all cells that share it.</summary>
internal sealed class GridCommand
{
    private const int MaxCells = 400;
    private const string TableName = "grid.png";

    // All cells of a grid have the same shape, and the model reads the same number of tokens in each.
    private static readonly string[] Fixed = ["--size", "--init-latents", "--long-prompts"];

    private readonly Argument<string> source = new("source") { Description = "Source prompt; with --inversion, the target prompt" };
    private readonly Argument<string?> target = new("target") { Description = "Target prompt; by default the source prompt", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> image = new("--image") { Description = "Edit this image; it is inverted once for all cells with the same inversion, and the source prompt describes it", HelpName = "file", Group = HelpGroup.Edit };
    private readonly Option<string?> inversion = new("--inversion") { Description = "Edit the image of a file written by p2p invert", HelpName = "file", Group = HelpGroup.Edit };
    private readonly Option<GridAxis> columns = Axis("--columns", "Option that varies from left to right");
    private readonly Option<GridAxis> rows = Axis("--rows", "Option that varies from top to bottom");
    private readonly EditOptions edit = new();
    private readonly SamplingOptions sampling = new();
    private readonly InversionOptions inverting = InversionOptions.OfEdit();
    private readonly KeepOutsideOption keepOutside = new(
        HelpGroup.Output, "With --image or --inversion: keep the original pixels where an edit changes nothing. false writes the model's image alone, enlarged");

    private readonly ModelOptions model = new();
    private readonly OutputOptions output = new();
    private readonly ReportOptions report = new();

    // The options of a cell are parsed as a command of their own, so that an axis takes whatever its option takes.
    private readonly Command cell = new("cell");

    // The inversion decides the sampling, and frames one mask.
    private readonly Command cellOfImage = new("cell");
    private readonly Repetition? repeats;

    private GridCommand(Repetition? repeats) => this.repeats = repeats;

    public static Command Create(CancellationToken cancellationToken, Repetition? repeats)
    {
        var grid = new GridCommand(repeats);
        var command = new Command("grid", "Make one edit with different settings, as a labeled table") { grid.source, grid.target, grid.image, grid.inversion, grid.columns, grid.rows }.In(HelpGroup.Images);
        foreach (var each in new[] { command, grid.cell })
        {
            grid.edit.AddTo(each);
            grid.sampling.AddTo(each);
        }

        grid.inverting.AddMethodTo(grid.cell);
        grid.inverting.AddMethodTo(grid.cellOfImage);

        grid.edit.AddTo(grid.cellOfImage);
        grid.inverting.AddTo(command);
        grid.keepOutside.AddTo(command);
        grid.model.AddTo(command);
        grid.output.AddFolderTo(command);
        grid.report.AddTo(command);
        command.SetAction(parse => grid.Execute(parse, cancellationToken));
        return command;
    }

    private int Execute(ParseResult parse, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        var quiet = report.Quiet(parse);
        var (across, down) = (parse.GetValue(columns) ?? GridAxis.Single, parse.GetValue(rows) ?? GridAxis.Single);
        InvalidInputException.Require(!across.IsSingle || !down.IsSingle, "--columns", "Nothing varies.", $"Give --columns or --rows: {GridOption.Form}.");
        InvalidInputException.Require(across.Values.Count * down.Values.Count <= MaxCells, "--rows", $"The grid has {across.Values.Count * down.Values.Count} cells.", $"Use at most {MaxCells}.");
        using var real = ReadImage(parse);
        using var others = new OtherInversions();
        RequireAxis("--columns", across);
        RequireAxis("--rows", down);

        IReadOnlyList<RunInput> inputs = [.. RunInput.Given(parse, image), .. RunInput.Given(parse, inversion), .. edit.Inputs(parse), .. sampling.Inputs(parse), .. model.Inputs(parse)];
        var folder = new ImageFolder(output.Folder(parse), output.Overwrites(parse), inputs.Select(input => input.Path));
        var cells = Cells(parse, across, down);
        var hasGradient = real is { IsInverted: false } && cells.Exists(each => each.Inversion.HasGradient);
        var given = real is { IsInverted: true } ? Parsed.Named("--inversion", () => real.Size) : real?.Size;
        using var loaded = model.Load(parse, new MemoryDemand(
            cells.Max(each => each.Request.Edit.Method.RowsOf(edits: 1, each.Request.Sampling)), sampling.Size(parse), hasGradient ? 1 : 0, Given: given,
            RowsTogether: cells.Max(each => each.Request.Edit.Method.RowsTogetherOf(edits: 1, each.Request.Sampling))),
            cells.Select(each => MethodOptions.RowByRow(each.Request.Edit.Method, each.Request.Sampling.Steps, setting => GridOption.NameOf(setting, ("--columns", across), ("--rows", down)))).FirstOrDefault(advice => advice is not null));
        repeats?.Require(loaded);
        var record = RunRecord.Begin(parse, loaded, repeats?.ModelName ?? model.Name(parse), inputs, trace: null);
        using var latents = sampling.ReadInitialLatents(parse);
        var chunks = sampling.Chunks(parse, loaded.Tokenizer, [.. cells.SelectMany(each => each.Request.Texts).Distinct()]);
        cells = [.. cells.Select(each => each with
        {
            Request = each.Request with
            {
                Source = each.Request.Source with { InitialLatents = latents, Sampling = each.Request.Sampling with { Chunks = chunks } },
            },
        })];
        RequireWord("--columns", across);
        RequireWord("--rows", down);
        if (real is not null)
            cells = Open(real, others, loaded, cells, parse, Check, cancellationToken);
        foreach (var each in cells)
            Check(each);
        var prompts = Warnings.PromptsOf(loaded.Tokenizer, cells[0].Request);
        Warnings.Truncated(prompts);
        if (!quiet)
            Warnings.Empty(cells[0].Request.Source.Prompt, cells[0].Request.Edit.Prompts);

        using var maker = new CellMaker(loaded, cells, isGiven: real is not null);
        var made = maker.Made;
        var saved = 0;
        var isStopped = false;
        try
        {
            StepDisplay.Run(quiet, progress =>
            {
                maker.Make(Save, progress, cancellationToken);
                return made.Count;
            });
        }
        catch (OperationCanceledException) when (saved > 0)
        {
            isStopped = true;
        }

        if (saved == 0)
            ExceptionDispatchInfo.Throw(maker.Failed[0].Problem);
        model.Announce(parse, loaded.Device, quiet);
        if (!quiet)
        {
            Warnings.Notation(cells[0].Request.Texts);
            Warnings.Concepts(loaded, cells.Select(each => each.Request));
            Warnings.Unknown(loaded.Directory, loaded.Tokenizer, prompts);
            if (real is { IsInverted: false })
                Warnings.Note(inverting.Unused(parse, cells.Select(each => each.Inversion)));
            Warnings.Note(UnusedOptions.OfAll(loaded, cells.Select(each => (each.Options, each.Request))));
        }

        AddImages();
        using var table = GridSheet.Draw(Table(cells, made, across, down, isGiven: real is not null));
        folder.Add(TableName, table);
        var missing = cells.Except(made.Select(image => image.Cell)).OfType<Cell>().ToList();
        if (real is not null)
            RealImage.AddFacts(record, [real, .. others]);
        if (missing.Count > 0)
            record["missing"] = Json.Array(missing.Select(each => each.Name));
        repeats?.Compare(record, quiet);
        record["seconds"] = Math.Round(TimeProvider.System.GetElapsedTime(started).TotalSeconds, 3);
        folder.Finish(record, Describe, trace: null);
        ImageRun.Report(folder, record, report.Json(parse), quiet);
        foreach (var each in maker.Failed)
            Console.Error.WriteLine($"p2p: {each.Cell.Name}: {CommandLine.Describe(each.Problem, parse)}");
        if (!isStopped)
            return maker.Failed.Count > 0 ? ExitCode.Failed : ExitCode.Done;
        Console.Error.WriteLine($"p2p: Stopped. {cells.Count - missing.Count} of {cells.Count} cells are finished.");
        return ExitCode.Interrupted;

        // Writes a cell, with its source if that is new.
        void Save()
        {
            AddImages();
            Complete(record, parse, maker, cells, across, down);
            record[RunRecord.Results] = folder.Results.DeepClone();
            folder.Save(record, Describe, [.. maker.SourceNames, .. cells.Select(each => each.Name), TableName]);
        }

        void AddImages()
        {
            foreach (var each in made.Skip(saved))
            {
                var drawn = real is null ? each.Result.Images[0] : each.Cell is { Real: { } its } ? its.Draw(each.Result, 0, keepOutside.Read(parse)) : real.Original;
                folder.Add(each.Name, drawn, saved++);
                // Photographs are large, and a grid has many.
                each.Shown = real is null ? drawn : Sheet.Reduced(drawn, Sheet.CellSide(drawn));
            }
        }

        void RequireAxis(string name, GridAxis axis)
        {
            IReadOnlyList<Option> varied = [.. (real is null ? cell : cellOfImage).Options.Where(option => !Fixed.Contains(option.Name) && (real is null || option.Name != "--mask"))];
            if (real is not null && !axis.IsSingle && cell.Options.Except(varied).Any(option => option.Name == $"--{axis.Setting}"))
            {
                throw new InvalidInputException(
                    name, $"\"{axis.Setting}\" cannot vary in a grid of a given image, because its inversion decides it.",
                    $"Use {InvalidInputException.AnyOf([.. varied.Select(option => option.Name.TrimStart('-'))])}.");
            }

            axis.Require(name, varied, parse);
        }

        // The error shows the axis as it was written, not the value of a cell.
        void RequireWord(string name, GridAxis axis)
        {
            if (axis.NamesWordOfTarget())
                WordPlaces.RequireInTargets([.. cells[0].Request.Edit.Prompts.Select(target => loaded.Tokenizer.TokenizeChunks(WeightedPrompt.Parse(target).Text, chunks))], axis.Word!, $"{name} {axis}");
        }

        void Check(Cell its, InversionSettings? settings = null) => GridOption.Named(
            [("--columns", across, across.Values[its.Column]), ("--rows", down, down.Values[its.Row])], () =>
            {
                EditRun.Check(loaded, its.Request.Source, its.Request.Edit, settings);
                return its;
            });

        GenerationParameters Describe(int index) => RunRecord.Parameters(record, made[index].Request, made[index].Result, row: 0, isEdit: made[index].Cell is not null);
    }

    private List<Cell> Cells(ParseResult parse, GridAxis across, GridAxis down)
    {
        string[] given = [.. RunRecord.GivenOptions(parse, parse.CommandResult.Command.Options.Except(cell.Options).Select(option => option.Name), (_, tokens) => tokens.Select(token => token.Value))];
        var first = parse.GetValue(source)!;
        // The file of an inversion has the source prompt.
        var (prompt, targets) = parse.GetValue(inversion) is null ? (first, new[] { parse.GetValue(target) ?? first }) : ("", [first]);
        List<Cell> cells = [];
        foreach (var (row, rowValue) in down.Values.Index())
        {
            foreach (var (column, columnValue) in across.Values.Index())
            {
                cells.Add(GridOption.Named([("--columns", across, columnValue), ("--rows", down, rowValue)], () => CellAt(row, column, [.. across.Arguments(columnValue), .. down.Arguments(rowValue)])));
            }
        }

        // Beside other methods, Prompt-to-Prompt inverts with direct, as most of them do; null-text would take far longer than the rest.
        if (cells.Select(each => each.Request.Edit.Method.Name).Distinct().Count() > 1)
            cells = [.. cells.Select(each => each.Choice is { Inversion: null } && each.Request.Edit.Method is PromptToPromptMethod ? each with { Choice = each.Choice with { Inversion = new DirectInversion().Name } } : each)];
        return cells;

        Cell CellAt(int row, int column, IEnumerable<string> arguments)
        {
            var its = cell.Parse([.. given, .. arguments], CommandLine.Parsing);
            if (its.Errors.Count > 0)
                throw GridOption.Error(its.Errors[0].Message);
            var choice = inverting.Choice(its);
            var hasImage = parse.GetValue(image) is not null || parse.GetValue(inversion) is not null;
            if (parse.GetValue(image) is null)
                inverting.RequireNoInversion(its, isInverted: parse.GetValue(inversion) is not null);
            var request = new ImageRequest(new GenerationRequest { Prompt = prompt, Sampling = sampling.Settings(its) }, edit.Read(its, targets, choice.EditMethod, hasImage), Observation.None);
            return new Cell(row, column, its, request, choice);
        }
    }

    private RealImage? ReadImage(ParseResult parse)
    {
        var (file, saved) = (parse.GetValue(image), parse.GetValue(inversion));
        InvalidInputException.Require(file is null || saved is null, "--image", "It cannot be combined with --inversion.", "Use one of them.");
        InvalidInputException.Require(saved is null || parse.GetValue(target) is null, "--inversion", "The file has the source prompt.", "Give the target prompt only.");
        if (saved is not null)
            inverting.RequireUnused(parse, isInverted: true, sampling.DecidedByInversion);
        else if (file is null)
            inverting.RequireUnused(parse, isInverted: false);
        if (saved is null && file is null)
            keepOutside.RequireUnused(parse, "It is for edits of an image: there is no --image and no --inversion.");
        return saved is not null ? RealImage.Saved(saved, feather: null) : file is not null ? RealImage.FromImage(file, feather: null) : null;
    }

    // The cells as edits of a given image, which is inverted once for all cells with the same inversion, if need be.
    private List<Cell> Open(RealImage real, OtherInversions others, StableDiffusionModel loaded, List<Cell> cells, ParseResult parse, Action<Cell, InversionSettings?> check, CancellationToken cancellationToken)
    {
        Framing? framed = null;
        // A file has one inversion.
        var groups = cells.GroupBy(each => inverting.Settings(parse, each.Request.Source.Prompt, each.Request.Sampling, real.IsInverted ? cells[0].Inversion : each.Inversion)).ToList();
        if (!real.IsInverted)
        {
            foreach (var group in groups)
            {
                foreach (var each in group)
                    check(each, group.Key);
            }
        }

        var opened = new List<Cell>();
        foreach (var (number, group) in groups.Index())
        {
            if (number > 0)
                others.Add(real.Again());
            var its = number == 0 ? real : others[^1];
            var inverted = its.Open(loaded, group.Key, Frame, cells[0].Request.Edit.Mask, report.Quiet(parse), cancellationToken);
            opened.AddRange(group.Select(each => each with
            {
                Real = its,
                Request = each.Request with { Source = sampling.Follow(parse, each.Request.Source, inverted), Edit = each.Request.Edit with { Mask = its.FramedMask } },
            }));
        }

        return [.. opened.OrderBy(each => each.Row).ThenBy(each => each.Column)];

        Framing Frame(Image original)
        {
            if (framed is { } known)
                return known;
            var framing = inverting.Framing(parse, loaded, original, sampling.Size(parse));
            if (!report.Quiet(parse) && inverting.NoteOn(parse, framing) is { } note)
                Console.Error.WriteLine(note);
            framed = framing;
            return framing;
        }
    }

    private static PictureTable Table(List<Cell> cells, IReadOnlyList<MadeImage> made, GridAxis across, GridAxis down, bool isGiven)
    {
        var sources = made.Where(image => image.Cell is null).ToDictionary(image => SourceOf(image.Request), image => image.Shown);
        var edits = made.Where(image => image.Cell is not null).ToDictionary(image => image.Cell!, image => image.Shown);
        var (columns, rows) = GridLayout.Of(
            Labels(across), Labels(down),
            (row, column) => SourceOf(CellAt(row, column).Request),
            (row, column) => sources.GetValueOrDefault(SourceOf(CellAt(row, column).Request)),
            (row, column) => edits.GetValueOrDefault(CellAt(row, column)));
        var request = cells[0].Request;
        return new PictureTable($"{request.Source.Prompt} → {request.Edit.Prompts[0]}", columns, rows);

        Cell CellAt(int row, int column) => cells[(row * across.Values.Count) + column];

        GenerationRequest SourceOf(ImageRequest of) => isGiven ? cells[0].Request.Source : of.Source;

        static IReadOnlyList<string> Labels(GridAxis axis) => axis.IsSingle ? [GridLayout.Single] : [.. axis.Values.Select(value => axis.Label(value))];
    }

    private static void Complete(JsonObject record, ParseResult parse, CellMaker maker, List<Cell> cells, GridAxis across, GridAxis down)
    {
        RunRecord.Complete(record, parse, cells[0].Request, maker.Made[0].Result);
        // The settings of the axes differ between cells.
        foreach (var axis in new[] { across, down })
            ((JsonObject)record["options"]!).Remove(axis.Setting);
        if (maker.Sources > 1)
        {
            record.Remove("scheduler");
            record.Remove("timesteps");
        }

        record["columns"] = Json.Array(across.Values.Select(value => across.Label(value)));
        record["rows"] = Json.Array(down.Values.Select(value => down.Label(value)));
    }

    private static Option<GridAxis> Axis(string name, string description) =>
        Parsed.Of(name, $"{description}: {GridOption.Form}", GridOption.Form, GridOption.Parse, "option=values").In(HelpGroup.Edit);

    // The given image again, for each inversion after the first.
    private sealed class OtherInversions : List<RealImage>, IDisposable
    {
        public void Dispose() => ForEach(other => other.Dispose());
    }
}
