using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;
using static TorchSharp.torch;

namespace PromptToPrompt.Studio.Engine;

/// <summary>Makes the pictures of recipes on one device.</summary>
internal sealed class PictureMaker : IDisposable
{
    private readonly StudioStore store;
    private readonly ModelShelf models;
    private readonly RecordedSources sources;

    public PictureMaker(StudioStore store, IReadOnlyList<OfferedModel> offered, long sessionBytes, TimeProvider clock, Action<OfferedModel, StableDiffusionModel> arrived)
    {
        this.store = store;
        sources = new(store, sessionBytes, clock);
        // Recordings belong to one model.
        models = new(offered, arrived, () => sources.Forget(_ => true));
    }

    /// <summary>The recorded sources, the most recently used first. Thread-safe.</summary>
    public IReadOnlyList<HeldSession> Sessions => sources.Held;

    /// <summary>Memory of the recorded sources. Thread-safe.</summary>
    public long SessionBytes => sources.Bytes;

    /// <summary>Name of the model in memory, or null. Thread-safe.</summary>
    public string? LoadedModel => models.Loaded;

    /// <summary>The key of a recipe; loads its model.</summary>
    public string KeyOf(Recipe recipe) => recipe is EditedRecipe edited
        ? RecipeKey.Of(edited, store.KeyOf(edited.Source))
        : RecipeKey.Of(recipe, RecordedSources.Origin(ModelOf(recipe)));

    /// <summary>Makes a picture.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="key">Its key.</param>
    /// <param name="reporter">Returns the progress receiver of a stage.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public MadePicture Make(Recipe recipe, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        var model = ModelOf(recipe);
        var made = recipe switch
        {
            DrawnRecipe drawn => sources.Draw(model, drawn, key, reporter("drawing"), cancellationToken),
            InvertedRecipe inverted => Invert(model, inverted, key, reporter, cancellationToken),
            EditedRecipe edited => Edit(model, edited, reporter, cancellationToken),
            InpaintedRecipe filled => Fill(model, filled, reporter("drawing"), cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(recipe)),
        };
        var own = OwnSize.Of(recipe, made.Picture.Size, store);
        return made with { Facts = made.Facts with { OwnWidth = own?.Framing.Original.Width, OwnHeight = own?.Framing.Original.Height } };
    }

    /// <summary>Drops recorded sources.</summary>
    public void Forget(Func<string, bool> predicate) => sources.Forget(predicate);

    /// <inheritdoc/>
    public void Dispose() => models.Dispose();

    private StableDiffusionModel ModelOf(Recipe recipe) => models.Get(recipe.Root(store.Version).Model);

    private MadePicture Edit(StableDiffusionModel model, EditedRecipe recipe, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        using var result = sources.Edit(model, recipe, sources.ChunksOf(model, recipe), reporter, "editing", cancellationToken);
        var made = MadePicture.Of(result);
        using var mask = result.LastMask(0);
        return mask is null ? made : made with { Facts = made.Facts with { Mask = store.AddPicture(MaskPicture(mask)) } };
    }

    private MadePicture Fill(StableDiffusionModel model, InpaintedRecipe recipe, JobReporter reporter, CancellationToken cancellationToken)
    {
        var picture = store.Picture(recipe.Picture);
        var mask = Mask.Fit(store.Mask(recipe.Mask), picture.Size);
        using var result = InpaintRun.Execute(
            model,
            recipe.Request(picture, mask, sources.ChunksOf(model, recipe)),
            new Observation { Attention = true },
            reporter,
            cancellationToken);
        return MadePicture.Of(result.Run) with { Picture = result.Image, Facts = new VersionFacts { Width = result.Image.Width, Height = result.Image.Height, Mask = store.AddPicture(mask) } };
    }

    private MadePicture Invert(StableDiffusionModel model, InvertedRecipe recipe, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        var file = sources.Invert(model, recipe, key, reporter, cancellationToken);
        var reconstruction = file.DisposeOnFailure(() => Reconstruction.Of(model, file, cancellationToken: cancellationToken));
        double[] losses = [.. file.Inverted.Losses.Where(step => step.Count > 0).Select(step => step[^1])];
        var made = sources.Follow(model, file.Inverted, key, reporter("preparing"), cancellationToken);
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
