using System.Globalization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The sources of edits. They stay recorded as long as memory allows, and are run again when needed.</summary>
/// <param name="store">The store with versions and inversion files.</param>
/// <param name="wordKey">Identifies the words learned here that some prompts for a model contain.</param>
/// <param name="maxBytes">Memory limit for recordings; null for the device's default.</param>
/// <param name="clock">The clock.</param>
internal sealed class RecordedSources(StudioStore store, Func<string, IEnumerable<string>, string> wordKey, long? maxBytes, TimeProvider clock)
{
    private const int MaxEnlargement = 4;

    private readonly SessionCache<RecordedSource> sessions = new(source => source.Bytes, clock);

    // What the device of the first model had free: what later ones find free depends on the recordings themselves.
    private long? limit;

    /// <summary>The sources in memory, the most recently used first: recordings, and trajectories of sources that are not recorded. Thread-safe.</summary>
    public IReadOnlyList<HeldSession> Held => [.. sessions.Held.Where(held => held.Bytes > 0)];

    /// <summary>Memory in use. Thread-safe.</summary>
    public long Bytes => sessions.Bytes;

    /// <summary>Identifies a model. The data type and VAE tiling are part of it because they change pictures slightly.</summary>
    public static string Origin(StableDiffusionModel model) => $"{model.Fingerprint} {model.Precision.Identity} {model.TilesImages}";

    /// <summary>The key of a recipe.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="origin">The source's key for an edit; else <see cref="Origin"/>. The words learned here are not part of it, because other prompts are the same without them.</param>
    public string KeyOf(Recipe recipe, string origin) => RecipeKey.Of(recipe, origin + wordKey(recipe.Root(store.Version).Model, recipe.Texts));

    /// <summary>Number of chunks for the prompts of a recipe.</summary>
    public int ChunksOf(StableDiffusionModel model, Recipe recipe) => new PromptChunks(model.Tokenizer, store.Version).Of(recipe);

    /// <summary>Draws a picture and records it.</summary>
    public MadePicture Draw(StableDiffusionModel model, DrawnRecipe recipe, string key, JobReporter reporter, CancellationToken cancellationToken)
    {
        // The program's memory was checked for the model's own size.
        if (recipe.PictureSize is { } size && (long)size.Width * size.Height > MaxEnlargement * (long)model.ImageSide * model.ImageSide)
        {
            throw new InvalidInputException(
                nameof(DrawnRecipe.Size), $"{size} has more than {MaxEnlargement} times the pixels of this model's pictures, {model.ImageSide}x{model.ImageSide}.", "Use a smaller size.");
        }

        return Open(key, Drawing(model, recipe, ChunksOf(model, recipe)), reporter, result => MadePicture.Of(result, store), cancellationToken);
    }

    /// <summary>Inverts an uploaded picture. The caller owns the result until <see cref="Follow"/> takes it over.</summary>
    public InvertedPicture Invert(StableDiffusionModel model, InvertedRecipe recipe, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken) =>
        Invert(model, recipe, ChunksOf(model, recipe), key, reporter, cancellationToken);

    /// <summary>Runs an inverted picture as the source of edits and records it. Takes ownership of the trajectory.</summary>
    public MadePicture Follow(StableDiffusionModel model, InvertedImage trajectory, string key, JobReporter reporter, CancellationToken cancellationToken) =>
        Open(key, Following(model, trajectory), reporter, result => MadePicture.Of(result, store), cancellationToken);

    /// <summary>Runs an edit of a recorded source. The source is run first if it is not recorded with enough chunks.</summary>
    /// <param name="model">The model that made the source.</param>
    /// <param name="recipe">The edit.</param>
    /// <param name="chunks">Number of chunks.</param>
    /// <param name="reporter">Returns the progress receiver of a stage.</param>
    /// <param name="stage">The stage name of the edit.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <exception cref="InvalidInputException">The source was made by another model, or the edit does not fit it.</exception>
    public EditResult Edit(StableDiffusionModel model, EditedRecipe recipe, int chunks, Func<string, JobReporter> reporter, string stage, CancellationToken cancellationToken)
    {
        var source = store.Version(recipe.Source);
        var mask = recipe.Mask is { } name ? store.Pictures.ReadMask(name) : null;
        if (mask is not null && VersionFraming.Of(source, store) is { } framing)
            mask = framing.FrameMask(mask);
        var session = SessionOf(model, source, chunks, reporter, cancellationToken).Session;
        var progress = reporter(stage);
        if (!session.IsRecorded)
            progress.Say($"{TooLarge(session)}, so it runs again with this edit.");
        return session.Edit(recipe.Request(mask), new Observation { Attention = true, Trace = true }, progress, cancellationToken);
    }

    /// <summary>Drops recordings.</summary>
    /// <param name="predicate">Whether to drop the recording of a key.</param>
    public void Forget(Func<string, bool> predicate) => sessions.Remove(predicate);

    private RecordedSource Drawing(StableDiffusionModel model, DrawnRecipe recipe, int chunks) =>
        new(new(model, new GenerationRequest { Prompt = recipe.Prompt, Sampling = recipe.Sampling(chunks), RowByRow = model.OnePartAtATime }, model.Dtype, LimitOn(model)), null);

    private long LimitOn(StableDiffusionModel model) => limit ??= maxBytes ?? RecordingLimit.Of(model.Device).Total;

    // A source that was run with more chunks, for a longer edit, is a different recording.
    private string SessionKey(StableDiffusionModel model, PictureVersion version, int chunks) =>
        chunks == ChunksOf(model, version.Recipe) ? store.KeyOf(version.Id) : $"{store.KeyOf(version.Id)}-{chunks}";

    private RecordedSource Following(StableDiffusionModel model, InvertedImage trajectory) => new(new(model, GenerationRequest.Of(trajectory) with { RowByRow = model.OnePartAtATime }, model.Dtype, LimitOn(model)), trajectory);

    // Runs a source and keeps it for edits.
    private T Open<T>(string key, RecordedSource source, JobReporter reporter, Func<EditResult, T> read, CancellationToken cancellationToken) => source.DisposeOnFailure(() =>
    {
        if (!source.Session.IsRecorded)
            reporter.Say($"{TooLarge(source.Session)}. Each of its edits runs it again.");
        using var result = source.Session.RunSource(new Observation { Attention = true }, reporter, cancellationToken);
        var made = read(result);
        sessions.Add(key, source, limit!.Value);
        return made;
    });

    private string TooLarge(EditSession session) => string.Create(
        CultureInfo.InvariantCulture, $"Recording the source takes {session.RequiredBytes >> 20} MB, more than the {limit >> 20} MB for recorded sources");

    private RecordedSource SessionOf(StableDiffusionModel model, PictureVersion version, int chunks, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        RequireMadeBy(model, version);
        var key = SessionKey(model, version, chunks);
        if (sessions.Find(key) is { } recorded)
            return recorded;
        var source = version.Recipe is DrawnRecipe drawn ? Drawing(model, drawn, chunks) : Following(model, TrajectoryOf(model, version, chunks, key, reporter, cancellationToken));
        if (source.Session.IsRecorded)
            return Open(key, source, reporter("preparing"), _ => source, cancellationToken);
        // Each edit runs it again.
        sessions.Add(key, source, limit!.Value);
        return source;
    }

    // The name may now refer to another model. Attention of one model must not steer another.
    private void RequireMadeBy(StableDiffusionModel model, PictureVersion version)
    {
        if (KeyWith(model, version.Recipe) != store.KeyOf(version.Id))
        {
            throw new InvalidInputException(
                $"Picture {version.Number} was made by another model than the current \"{version.Recipe.Root(store.Version).Model}\": its files, adapters or data type differ. "
                + "Draw it again and edit that, or start the studio with the original model.");
        }
    }

    private string KeyWith(StableDiffusionModel model, Recipe recipe) =>
        KeyOf(recipe, recipe is EditedRecipe edited ? KeyWith(model, store.Version(edited.Source).Recipe) : Origin(model));

    // Stored on disk, so that it is computed once. p2p edit --inversion reads the same files.
    private InvertedImage TrajectoryOf(StableDiffusionModel model, PictureVersion version, int chunks, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        var path = store.InversionFile(key);
        if (File.Exists(path))
        {
            try
            {
                return InversionFile.Load(path, model).Inverted;
            }
            catch (InvalidInputException)
            {
                // Damaged or just removed; compute it again.
            }
        }

        if (version.Recipe is InvertedRecipe given)
            return Invert(model, given, chunks, key, reporter, cancellationToken).Inverted;
        var picture = store.Pictures.Read(version.Picture);
        var root = version.Recipe.Root(store.Version);
        // A drawn picture may have a size of its own, and so have its edits.
        var framing = model.Frame(VersionFraming.KindOf(root), picture.Size, root is DrawnRecipe ? picture.Size : null);
        var file = new InversionFile(FindTrajectory(model, version.Recipe, chunks, framing.Apply(picture), reporter, cancellationToken), picture, framing);
        return Saved(file, path, model).Inverted;
    }

    private InvertedImage FindTrajectory(
        StableDiffusionModel model, Recipe recipe, int chunks, Image picture, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        if (recipe is EditedRecipe edited)
        {
            using var result = Edit(model, edited, chunks, reporter, "preparing", cancellationToken);
            return result.AsSource(0);
        }

        using var latents = model.Vae.EncodeImage(picture, model.Device);
        return InversionMethod.Invert(model, latents, ((InpaintedRecipe)recipe).Inversion(chunks), reporter("inverting"), cancellationToken: cancellationToken);
    }

    // The photograph is read again for the file instead of being held during the inversion.
    private InvertedPicture Invert(
        StableDiffusionModel model, InvertedRecipe recipe, int chunks, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        var framing = model.Frame(recipe.Framing, store.Pictures.SizeOf(recipe.Picture));
        var framed = store.Pictures.ReadFramed(recipe.Picture, framing);
        using var latents = model.Vae.EncodeImage(framed, model.Device);
        var inverted = InversionMethod.Invert(model, latents, recipe.Inversion(chunks), reporter("inverting"), cancellationToken: cancellationToken);
        return inverted.DisposeOnFailure(() =>
        {
            new InversionFile(inverted, store.Pictures.Read(recipe.Picture), framing).Save(store.InversionFile(key), model);
            return new InvertedPicture(inverted, framed, framing);
        });
    }

    private static InversionFile Saved(InversionFile file, string path, StableDiffusionModel model) => file.DisposeOnFailure(() =>
    {
        file.Save(path, model);
        return file;
    });

    /// <summary>An inverted picture without its pixels.</summary>
    /// <param name="Inverted">The inversion.</param>
    /// <param name="Framed">The picture as the model saw it.</param>
    /// <param name="Framing">How it was brought to that size.</param>
    public sealed record InvertedPicture(InvertedImage Inverted, Image Framed, Framing Framing) : IDisposable
    {
        public void Dispose() => Inverted.Dispose();
    }

    /// <summary>A recorded source, ready for edits.</summary>
    /// <param name="Session">The session.</param>
    /// <param name="Inverted">The trajectory it follows if it was inverted; owned by the session.</param>
    private sealed record RecordedSource(EditSession Session, InvertedImage? Inverted) : IDisposable
    {
        public long Bytes => Session.RecordedBytes + (Inverted?.Bytes ?? 0);

        public void Dispose()
        {
            Session.Dispose();
            Inverted?.Dispose();
        }
    }
}
