using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.TextualInversion;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;
using static TorchSharp.torch;

namespace PromptToPrompt.Studio.Engine;

/// <summary>Makes the pictures of recipes on one device.</summary>
internal sealed class PictureMaker : IDisposable
{
    // A learning step takes seconds with a large model, and a save much less.
    private const int StepsBetweenSaves = 50;

    private readonly StudioStore store;
    private readonly ModelCatalog catalog;
    private readonly ModelShelf models;
    private readonly RecordedSources sources;
    private readonly ILogger? log;

    public PictureMaker(StudioStore store, ModelCatalog catalog, long? sessionBytes, TimeProvider clock, ILogger? log = null)
    {
        this.store = store;
        this.log = log;
        this.catalog = catalog;
        sources = new(store, catalog.WordKeyOf, sessionBytes, clock);
        // Recordings belong to one model.
        models = new(catalog, catalog.OnLoaded, () => sources.Forget(_ => true));
    }

    /// <summary>The recorded sources, the most recently used first. Thread-safe.</summary>
    public IReadOnlyList<HeldSession> Sessions => sources.Held;

    /// <summary>Memory of the recorded sources. Thread-safe.</summary>
    public long SessionBytes => sources.Bytes;

    /// <summary>Name of the model in memory, or null. Thread-safe.</summary>
    public string? LoadedModel => models.Loaded;

    /// <summary>The key of a recipe; loads its model.</summary>
    public string KeyOf(Recipe recipe)
    {
        var model = ModelOf(recipe);
        return sources.KeyOf(recipe, recipe is EditedRecipe edited ? store.KeyOf(edited.Source) : RecordedSources.Origin(model));
    }

    /// <summary>Makes a picture.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="key">Its key.</param>
    /// <param name="reporter">Returns the progress receiver of a stage.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public MadePicture Make(Recipe recipe, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        var model = ModelOf(recipe);
        var canvas = CanvasOf(recipe);
        return recipe switch
        {
            DrawnRecipe drawn => sources.Draw(model, drawn, key, reporter("drawing"), cancellationToken),
            InvertedRecipe inverted => Invert(model, inverted, key, ReporterOf, cancellationToken),
            EditedRecipe edited => Edit(model, edited, ReporterOf, cancellationToken),
            InpaintedRecipe filled => Fill(model, filled, ReporterOf("drawing"), cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(recipe)),
        };

        JobReporter ReporterOf(string stage) => reporter(stage).In(canvas);
    }

    /// <summary>Learns a word and adds it to its model. What was learned so far is saved now and then, and if the program ends.</summary>
    /// <param name="recipe">The word and its pictures.</param>
    /// <param name="job">The job.</param>
    /// <param name="reporter">The progress receiver.</param>
    public void Learn(LearnedRecipe recipe, Job job, JobReporter reporter)
    {
        var cancellationToken = job.Stopping;
        var model = models.Get(recipe);
        var examples = new List<ExampleImage>();
        foreach (var name in recipe.Pictures)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var framing = model.Frame(FramingKind.Crop, store.Pictures.SizeOf(name));
            examples.Add(ExampleImage.Framed(store.Pictures.ReadFramed(name, framing), framing));
        }

        using var training = new TextualInversionTraining(model, recipe.Settings(), examples);
        var unfinished = store.UnfinishedFile(job.Id);
        if (File.Exists(unfinished))
            training.Resume(unfinished);
        try
        {
            foreach (var progress in training.Run(cancellationToken))
            {
                reporter.Report(progress);
                if (progress.Step % StepsBetweenSaves == 0 && progress.Step < progress.Steps)
                    Save();
            }
        }
        catch (OperationCanceledException) when (job.IsInterrupted)
        {
            Save();
            throw;
        }

        // The last step may have broken the word.
        _ = training.HeldOutLoss();
        catalog.AddWord(recipe.Model, training.Word);

        // At worst it is learned again.
        void Save()
        {
            try
            {
                training.Save(unfinished);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidInputException)
            {
                log?.LogWarning("What was learned of {Word} so far could not be saved: {Problem}", recipe.Word, e.Message);
            }
        }
    }

    /// <summary>Unloads a model whose LoRAs have weights of a recipe.</summary>
    public void UnloadWeighted(string model) => models.UnloadWeighted(model);

    /// <summary>Unloads a model, if it is in memory.</summary>
    public void Unload(string model) => models.Unload(model);

    /// <summary>Drops recorded sources.</summary>
    public void Forget(Func<string, bool> predicate) => sources.Forget(predicate);

    /// <inheritdoc/>
    public void Dispose() => models.Dispose();

    private StableDiffusionModel ModelOf(Recipe recipe) => models.Get(recipe.Root(store.Version));

    private PreviewCanvas? CanvasOf(Recipe recipe) => recipe switch
    {
        InvertedRecipe inverted => new(store, inverted.Picture, inverted.Framing),
        InpaintedRecipe filled => new(store, filled.Picture, VersionFraming.KindOf(filled)),
        EditedRecipe edited when store.Version(edited.Source) is { Facts.Output: not null } source => new(store, source.Picture, VersionFraming.KindOf(recipe.Root(store.Version))),
        _ => null,
    };

    private MadePicture Edit(StableDiffusionModel model, EditedRecipe recipe, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        var source = store.Version(recipe.Source);
        // A soft edge needs a picture below it.
        var framing = VersionFraming.Of(source, store) ?? (recipe.Feather is null ? null : Framing.Whole(store.Pictures.SizeOf(source.Picture)));
        // Too wide a feather is refused before the run.
        var feathered = framing is not null && recipe.Feather is not null ? Opacities(framing) : null;
        using var result = sources.Edit(model, recipe, sources.ChunksOf(model, recipe), reporter, "editing", cancellationToken);
        var made = MadePicture.Of(result, store);
        using var region = result.LastMask(0);
        if (region is not null)
            made = made with { Facts = made.Facts with { Mask = store.Pictures.Add(MaskPicture(region)) } };
        return framing is null ? made
            : made.In(store.Pictures.Add(new GivenImage(store.Pictures.Read(source.Picture), framing).Draw(result, 0, feathered ?? Opacities(framing))), framing);

        byte[]? Opacities(Framing of)
        {
            var mask = recipe.Mask is { } name ? of.RestoreMask(store.Pictures.ReadMask(name)) : null;
            return InvalidInputException.Naming(recipe.Feather is null ? nameof(EditedRecipe.Mask) : nameof(EditedRecipe.Feather), () => GivenImage.OpacitiesOf(of, mask, model.Shape.Vae.PixelsPerLatent, recipe.Feather, cancellationToken));
        }
    }

    private MadePicture Fill(StableDiffusionModel model, InpaintedRecipe recipe, JobReporter reporter, CancellationToken cancellationToken)
    {
        var picture = store.Pictures.Read(recipe.Picture);
        var mask = Mask.Fit(store.Pictures.ReadMask(recipe.Mask), picture.Size);
        using var result = InpaintRun.Execute(
            model,
            recipe.Request(picture, mask, sources.ChunksOf(model, recipe)),
            new Observation { Attention = true },
            reporter,
            cancellationToken);
        var made = MadePicture.Of(result.Run, store).In(store.Pictures.Add(result.Image), model.Frame(VersionFraming.KindOf(recipe), picture.Size));
        return made with { Facts = made.Facts with { Mask = store.Pictures.Add(mask) } };
    }

    private MadePicture Invert(StableDiffusionModel model, InvertedRecipe recipe, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        var given = sources.Invert(model, recipe, key, reporter, cancellationToken);
        var reconstruction = given.DisposeOnFailure(() => Reconstruction.Of(model, given.Inverted, given.Framed, cancellationToken: cancellationToken));
        double[] losses = [.. given.Inverted.Losses.Where(step => step.Count > 0).Select(step => step[^1])];
        // Nothing has changed yet: the picture is the uploaded one.
        var made = sources.Follow(model, given.Inverted, key, reporter("preparing"), cancellationToken).In(recipe.Picture, given.Framing);
        return made with
        {
            Facts = made.Facts with { Psnr = Finite(reconstruction.Psnr), PsnrOfAutoencoder = Finite(reconstruction.Ceiling), Losses = losses },
        };
    }

    private static double? Finite(double decibels) => double.IsFinite(decibels) ? Math.Round(decibels, 2) : null;

    private static Image MaskPicture(Tensor mask)
    {
        using var scope = NewDisposeScope();
        var bytes = mask.to(ScalarType.Byte).unsqueeze(2).expand(-1, -1, 3).contiguous().cpu();
        return new Image((int)bytes.shape[1], (int)bytes.shape[0], bytes.data<byte>().ToArray());
    }
}
