using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Runs;

/// <summary>What a run of pictures is asked for.</summary>
internal sealed record PictureRequest(GenerationRequest Source, EditRequest Edit, Observation Observation)
{
    /// <summary>How the pictures are sampled.</summary>
    public SamplingSettings Sampling => Source.Sampling;

    /// <summary>All that is written for the model: source prompt, negative prompt, edited prompts.</summary>
    public IEnumerable<string> Texts => [Source.Prompt, Sampling.Negative, .. Edit.Prompts];
}

/// <summary>Makes the pictures of a request.</summary>
internal delegate EditResult MakePictures(StableDiffusionModel model, PictureRequest request, IProgress<EditProgress>? progress, CancellationToken cancellationToken);

/// <summary>What a command that makes pictures does in a way of its own, in the order of a <see cref="PictureRun"/>.</summary>
internal sealed record PictureJob
{
    private const int GridColumns = 4;

    /// <summary>The source prompt.</summary>
    public required string Source { get; init; }

    /// <summary>Files that are read; what the run writes must not replace them.</summary>
    public IReadOnlyList<RunInput> Inputs { get; init; } = [];

    /// <summary>Whether something is optimised on the way, which takes memory.</summary>
    public bool HasGradient { get; init; }

    /// <summary>Size of the picture that is edited, where one is given.</summary>
    public PixelSize? Given { get; init; }

    /// <summary>Reads the edit, before anything is loaded.</summary>
    public Func<EditRequest> Edit { get; init; } = () => new EditRequest();

    /// <summary>What to keep besides the pictures.</summary>
    public Observation Observation { get; init; } = Observation.None;

    /// <summary>Adds what needs the model.</summary>
    public Func<StableDiffusionModel, PictureRequest, PictureRequest> Prepare { get; init; } = (_, request) => request;

    /// <summary>Makes the pictures.</summary>
    public MakePictures Make { get; init; } = (model, request, progress, cancellationToken) =>
        EditRun.Execute(model, request.Source, request.Edit, request.Observation, progress, cancellationToken);

    /// <summary>Writes the pictures: source, edits, and all of them side by side.</summary>
    public Action<PictureFolder, EditResult> AddPictures { get; init; } = AddEdits;

    /// <summary>Writes what else there is.</summary>
    public Action<PictureFolder, EditResult> AddFiles { get; init; } = (_, _) => { };

    /// <summary>Adds to the run's record.</summary>
    public Action<JsonObject> AddFacts { get; init; } = _ => { };

    /// <summary>Writes a source and its edits.</summary>
    public static void AddEdits(PictureFolder folder, EditResult result) => AddAll(
        folder, [.. result.Pictures.Select((picture, k) => (k == 0 ? "source" : $"edit-{k}", picture, result.Caption(k), (int?)k))]);

    /// <summary>Writes pictures by name, and a grid of them with captions.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="pictures">The pictures, and which of the run's each is; null for those that the run did not make.</param>
    /// <param name="cellSide">The longer side of a picture in the grid; null for its own.</param>
    public static void AddAll(PictureFolder folder, IEnumerable<(string Name, Picture Picture, string Caption, int? Row)> pictures, int? cellSide = null)
    {
        // Each is encoded before the next is made: photographs are large.
        var cells = new List<SheetCell>();
        foreach (var (name, picture, caption, row) in pictures)
        {
            folder.Add(name + ".png", picture, row);
            cells.Add(new SheetCell(Sheet.Reduced(picture, cellSide).ToBitmap(), caption));
        }

        using var grid = Sheet.Draw(cells, GridColumns, cellSide);
        cells.ForEach(cell => cell.Picture.Dispose());
        folder.Add("grid.png", grid);
    }
}
