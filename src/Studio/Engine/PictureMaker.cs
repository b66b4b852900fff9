using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inpainting;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Evaluation.Inversions;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;
using static TorchSharp.torch;

namespace PromptToPrompt.Studio.Engine;

/// <summary>What came of a recipe.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Maps">Its attention maps, or null.</param>
/// <param name="Facts">What was found on the way.</param>
internal sealed record MadePicture(Picture Picture, byte[]? Maps, VersionFacts Facts);

/// <summary>Makes the pictures of recipes on one device. Sources stay recorded as long as memory allows, and are run again where they have gone.</summary>
internal sealed class PictureMaker : IDisposable
{
    private readonly StudioStore store;
    private readonly ModelShelf models;
    private readonly SessionCache<SourceSession> sessions;
    private readonly long sessionBytes;
    private readonly TimeProvider clock;

    public PictureMaker(StudioStore store, IReadOnlyList<OfferedModel> offered, long sessionBytes, TimeProvider clock)
    {
        this.store = store;
        this.sessionBytes = sessionBytes;
        this.clock = clock;
        sessions = new(sessionBytes, session => session.Bytes, clock);
        // Recordings belong to the model that made them.
        models = new(offered, sessions.Clear);
    }

    /// <summary>The recorded sources, the latest used first. Safe to read from any thread.</summary>
    public IReadOnlyList<HeldSession> Sessions => sessions.Held;

    /// <summary>Memory of the recorded sources. Safe to read from any thread.</summary>
    public long SessionBytes => sessions.Bytes;

    /// <summary>Name of the model in memory, or null. Safe to read from any thread.</summary>
    public string? LoadedModel => models.Loaded;

    /// <summary>The key of a recipe; loads its model.</summary>
    public string KeyOf(Recipe recipe) => recipe is EditedRecipe edited
        ? RecipeKey.Of(edited, store.KeyOf(edited.Source))
        : RecipeKey.Of(recipe, Origin(models.Get(ModelOf(recipe))));

    /// <summary>Makes a picture.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="key">Its key.</param>
    /// <param name="reporter">Gives the receiver of a stage's progress.</param>
    /// <param name="cancel">Stops before the next step.</param>
    public MadePicture Make(Recipe recipe, string key, Func<string, JobReporter> reporter, CancellationToken cancel)
    {
        var model = models.Get(ModelOf(recipe));
        var made = recipe switch
        {
            DrawnRecipe drawn => Open(key, Drawing(model, drawn, WindowsOf(model, drawn)), reporter("drawing"), cancel),
            InvertedRecipe inverted => Invert(model, inverted, key, reporter, cancel),
            EditedRecipe edited => Edit(edited, reporter, cancel),
            InpaintedRecipe filled => Fill(model, filled, reporter("drawing"), cancel),
            _ => throw new ArgumentOutOfRangeException(nameof(recipe)),
        };
        var own = OwnSize.Of(recipe, made.Picture.Size, store);
        return made with { Facts = made.Facts with { OwnWidth = own?.Framing.Original.Width, OwnHeight = own?.Framing.Original.Height } };
    }

    /// <summary>Lets go of recorded sources.</summary>
    public void Forget(Func<string, bool> isMeant) => sessions.Remove(isMeant);

    /// <inheritdoc/>
    public void Dispose() => models.Dispose();

    private SourceSession Drawing(StableDiffusionModel model, DrawnRecipe recipe, int windows) =>
        new(model, Watched(EditRequests.Of(recipe, windows)), null, sessionBytes);

    private int WindowsOf(StableDiffusionModel model, Recipe recipe) => new PromptWindows(model.Tokenizer, store.Version).Of(recipe);

    // What was run with more windows than its own prompts need, for an edit of more words, is another thing.
    private string SessionKey(StableDiffusionModel model, PictureVersion version, int windows) =>
        windows == WindowsOf(model, version.Recipe) ? store.KeyOf(version.Id) : $"{store.KeyOf(version.Id)}-{windows}";

    private static EditRequest Watched(EditRequest request) => request with { WatchAttention = true };

    private string ModelOf(Recipe recipe) => recipe.Root(store.Version).Model;

    // Runs a source and keeps it for edits.
    private MadePicture Open(string key, SourceSession session, JobReporter reporter, CancellationToken cancel)
    {
        try
        {
            using var result = session.Run(reporter, cancel);
            var made = Read(result);
            sessions.Add(key, session);
            return made;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static MadePicture Read(EditResult result)
    {
        var maps = result.Maps is { } watched ? AttentionRecord.Of(watched, result.Rows[^1], result.Prompts[result.Rows[^1]]).ToJson() : null;
        var picture = result.Pictures[^1];
        return new(picture, maps, new VersionFacts { Width = picture.Width, Height = picture.Height });
    }

    private MadePicture Edit(EditedRecipe recipe, Func<string, JobReporter> reporter, CancellationToken cancel)
    {
        var session = SessionOf(store.Version(recipe.Source), WindowsOf(models.Get(ModelOf(recipe)), recipe), reporter, cancel);
        using var result = Run(session, recipe, reporter("editing"), cancel);
        var made = Read(result);
        using var mask = result.LastMask(0);
        return mask is null ? made : made with { Facts = made.Facts with { Mask = store.AddPicture(MaskPicture(mask)) } };
    }

    private EditResult Run(SourceSession session, EditedRecipe recipe, JobReporter reporter, CancellationToken cancel)
    {
        var mask = recipe.Mask is { } name ? store.Picture(name) : null;
        return session.Edit(request => EditRequests.Of(recipe, request, mask) with { Trace = true }, reporter, cancel);
    }

    private MadePicture Fill(StableDiffusionModel model, InpaintedRecipe recipe, JobReporter reporter, CancellationToken cancel)
    {
        var picture = store.Picture(recipe.Picture);
        using var result = InpaintRun.Execute(
            model,
            new InpaintRequest { Picture = picture, Mask = store.Picture(recipe.Mask), Sampling = EditRequests.Of(recipe, WindowsOf(model, recipe)), Strength = recipe.Strength },
            reporter,
            cancel);
        return Read(result.Run) with { Picture = result.Picture, Facts = new VersionFacts { Width = result.Picture.Width, Height = result.Picture.Height, Mask = recipe.Mask } };
    }

    private MadePicture Invert(StableDiffusionModel model, InvertedRecipe recipe, string key, Func<string, JobReporter> reporter, CancellationToken cancel)
    {
        var file = InvertAndSave(model, recipe, WindowsOf(model, recipe), key, reporter, cancel);
        var reconstruction = Owned(file, () => Reconstruction.Of(model, file, cancel: cancel));
        double[] losses = [.. file.Inverted.Losses.Where(step => step.Count > 0).Select(step => step[^1])];
        var made = Open(key, new SourceSession(model, Watched(EditRequest.ForPicture(file.Inverted)), file.Inverted, sessionBytes), reporter("preparing"), cancel);
        return made with
        {
            Facts = made.Facts with { Psnr = Finite(reconstruction.Psnr), PsnrOfAutoencoder = Finite(reconstruction.Ceiling), Losses = losses },
        };
    }

    private SourceSession SessionOf(PictureVersion version, int windows, Func<string, JobReporter> reporter, CancellationToken cancel)
    {
        var model = models.Get(ModelOf(version.Recipe));
        RequireMadeBy(model, version);
        var key = SessionKey(model, version, windows);
        if (sessions.Find(key) is { } recorded)
            return recorded;
        SourceSession session;
        if (version.Recipe is DrawnRecipe drawn)
        {
            session = Drawing(model, drawn, windows);
        }
        else
        {
            var way = WayOf(model, version, windows, key, reporter, cancel);
            session = new SourceSession(model, Watched(EditRequest.ForPicture(way)), way, sessionBytes);
        }

        Open(key, session, reporter("preparing"), cancel);
        return session;
    }

    // Behind the same name there may be another model since: attention of one must not steer the other.
    private void RequireMadeBy(StableDiffusionModel model, PictureVersion version)
    {
        if (KeyWith(model, version.Recipe) != store.KeyOf(version.Id))
        {
            throw new InvalidInputException(
                $"Picture {version.Number} was made by another model than what \"{ModelOf(version.Recipe)}\" is now (its files, adapters or type differ): "
                + "make it anew and edit that, or start the studio as it was then.");
        }
    }

    private string KeyWith(StableDiffusionModel model, Recipe recipe) =>
        RecipeKey.Of(recipe, recipe is EditedRecipe edited ? KeyWith(model, store.Version(edited.Source).Recipe) : Origin(model));

    // Kept on disk, so that it is found once; p2p edit --inversion reads the same files.
    private InvertedPicture WayOf(StableDiffusionModel model, PictureVersion version, int windows, string key, Func<string, JobReporter> reporter, CancellationToken cancel)
    {
        var path = store.InversionFile(key);
        if (File.Exists(path))
            return InversionFile.Load(path, model).Inverted;
        // Of a given picture where somebody removed the file: the picture and its recipe are still there.
        if (version.Recipe is InvertedRecipe given)
            return InvertAndSave(model, given, windows, key, reporter, cancel).Inverted;
        var picture = store.Picture(version.Picture);
        var framing = Framing.For(model, FramingKind.Crop, picture);
        var file = new InversionFile(FindWay(model, version.Recipe, windows, framing.Apply(picture), reporter, cancel), picture, framing);
        file.Save(path, model);
        return file.Inverted;
    }

    private InvertedPicture FindWay(
        StableDiffusionModel model, Recipe recipe, int windows, Picture picture, Func<string, JobReporter> reporter, CancellationToken cancel)
    {
        if (recipe is EditedRecipe edited)
        {
            var source = SessionOf(store.Version(edited.Source), windows, reporter, cancel);
            using var result = Run(source, edited, reporter("preparing"), cancel);
            return result.AsSource(0);
        }

        using var latents = picture.Encode(model.Vae, model.Device);
        return InversionMethod.Invert(model, latents, EditRequests.AsSource((InpaintedRecipe)recipe, windows), reporter("inverting"), cancel: cancel);
    }

    private InversionFile InvertAndSave(
        StableDiffusionModel model, InvertedRecipe recipe, int windows, string key, Func<string, JobReporter> reporter, CancellationToken cancel)
    {
        var picture = store.Picture(recipe.Picture);
        var framing = Framing.For(model, EditRequests.Framing(recipe), picture);
        using var latents = framing.Apply(picture).Encode(model.Vae, model.Device);
        var file = new InversionFile(InversionMethod.Invert(model, latents, EditRequests.Of(recipe, windows), reporter("inverting"), cancel: cancel), picture, framing);
        return Owned(file, () =>
        {
            file.Save(store.InversionFile(key), model);
            return file;
        });
    }

    // What nobody has taken over yet is let go of where a run ends early.
    private static T Owned<T>(InversionFile file, Func<T> work)
    {
        try
        {
            return work();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // Another type, or an autoencoder that works in tiles, makes slightly other pictures.
    private static string Origin(StableDiffusionModel model) => $"{model.Fingerprint} {model.Dtype} {model.Vae.IsTiled}";

    private static double? Finite(double decibels) => double.IsFinite(decibels) ? Math.Round(decibels, 2) : null;

    private static Picture MaskPicture(Tensor mask)
    {
        using var scope = NewDisposeScope();
        var bytes = mask.to(ScalarType.Byte).unsqueeze(2).expand(-1, -1, 3).contiguous().cpu();
        return new Picture((int)bytes.shape[1], (int)bytes.shape[0], bytes.data<byte>().ToArray());
    }
}
