using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Methods;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Runs;

/// <summary>The request of a run: source, edit and observation.</summary>
internal sealed record ImageRequest(GenerationRequest Source, EditRequest Edit, Observation Observation)
{
    /// <summary>How the pictures are sampled.</summary>
    public SamplingSettings Sampling => Source.Sampling;

    /// <summary>All prompts of the run: source, negative, targets and concepts.</summary>
    public IEnumerable<string> Texts => [Source.Prompt, Sampling.Negative, .. Edit.Prompts, .. Edit.Method is LeditsPlusPlus method ? method.Concepts.Select(concept => concept.Text) : []];
}

/// <summary>Makes the pictures of a request.</summary>
internal delegate EditResult MakeImages(StableDiffusionModel model, ImageRequest request, IProgress<EditProgress>? progress, CancellationToken cancellationToken);

/// <summary>The parts of a <see cref="ImageRun"/> that differ between commands, in the order in which they run.</summary>
internal sealed record ImageJob
{
    private const int GridColumns = 4;

    /// <summary>The source prompt.</summary>
    public required string Source { get; init; }

    /// <summary>Input files. The run must not overwrite them.</summary>
    public IReadOnlyList<RunInput> Inputs { get; init; } = [];

    /// <summary>Whether the run needs gradients, which take memory.</summary>
    public bool HasGradient { get; init; }

    /// <summary>Size of the input picture; null without one.</summary>
    public PixelSize? Given { get; init; }

    /// <summary>Reads the edit before the model is loaded.</summary>
    public Func<EditRequest> Edit { get; init; } = () => new EditRequest();

    /// <summary>Notes on options without effect that are known before the run.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What to record besides the pictures.</summary>
    public Observation Observation { get; init; } = Observation.None;

    /// <summary>Completes the request once the model is loaded.</summary>
    public Func<StableDiffusionModel, ImageRequest, ImageRequest> Prepare { get; init; } = (_, request) => request;

    /// <summary>Makes the pictures.</summary>
    public MakeImages Make { get; init; } = (model, request, progress, cancellationToken) =>
        EditRun.Execute(model, request.Source, request.Edit, request.Observation, progress, cancellationToken);

    /// <summary>Writes the source, the edits and a grid of them.</summary>
    public Action<ImageFolder, EditResult> AddImages { get; init; } = (folder, result) => AddEdits(folder, result);

    /// <summary>Writes further files.</summary>
    public Action<ImageFolder, EditResult> AddFiles { get; init; } = (_, _) => { };

    /// <summary>Adds fields to the run's record.</summary>
    public Action<JsonObject> AddFacts { get; init; } = _ => { };

    /// <summary>Writes a source and its edits.</summary>
    /// <param name="folder">The output folder.</param>
    /// <param name="result">The run.</param>
    /// <param name="draw">Draws an edit; null for the model's images.</param>
    public static void AddEdits(ImageFolder folder, EditResult result, Func<int, Image>? draw = null) => AddAll(
        folder, [.. result.Images.Select((image, k) => k == 0 ? ("source", image, result.Caption(k), (int?)k) : ($"edit-{k}", draw?.Invoke(k) ?? image, result.Caption(k), (int?)k))]);

    /// <summary>Writes pictures by name, and a grid of them with captions.</summary>
    /// <param name="folder">The output folder.</param>
    /// <param name="images">The pictures, each with its row in the run; null for pictures that the run did not make.</param>
    /// <param name="cellSide">The longer side of a picture in the grid; null for its own.</param>
    public static void AddAll(ImageFolder folder, IEnumerable<(string Name, Image Image, string Caption, int? Row)> images, int? cellSide = null)
    {
        // Encode each picture before making the next: photographs are large.
        var cells = new List<SheetCell>();
        foreach (var (name, image, caption, row) in images)
        {
            folder.Add(name + ".png", image, row);
            cells.Add(new SheetCell(Sheet.Reduced(image, cellSide).ToBitmap(), caption));
        }

        using var grid = Sheet.Draw(cells, GridColumns, cellSide);
        cells.ForEach(cell => cell.Image.Dispose());
        folder.Add("grid.png", grid);
    }
}
