using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The sources of edits. They stay recorded as long as memory allows, and are run again where they have gone.</summary>
/// <param name="store">Has the versions, and the files of inversions.</param>
/// <param name="maxBytes">Memory for recordings.</param>
/// <param name="clock">Tells the time.</param>
internal sealed class RecordedSources(StudioStore store, long maxBytes, TimeProvider clock)
{
    private readonly SessionCache<RecordedSource> sessions = new(maxBytes, source => source.Session.RecordedBytes, clock);

    /// <summary>What is recorded, the latest used first. Safe to read from any thread.</summary>
    public IReadOnlyList<HeldSession> Held => sessions.Held;

    /// <summary>Memory it takes. Safe to read from any thread.</summary>
    public long Bytes => sessions.Bytes;

    /// <summary>What tells models apart: another type, or an autoencoder that works in tiles, makes slightly other pictures.</summary>
    public static string Origin(StableDiffusionModel model) => $"{model.Fingerprint} {model.Dtype} {model.TilesPictures}";

    /// <summary>In how many windows the prompts of a recipe are read.</summary>
    public int ChunksOf(StableDiffusionModel model, Recipe recipe) => new PromptChunks(model.Tokenizer, store.Version).Of(recipe);

    /// <summary>Draws a picture and records it.</summary>
    public MadePicture Draw(StableDiffusionModel model, DrawnRecipe recipe, string key, JobReporter reporter, CancellationToken cancellationToken) =>
        Open(key, Drawing(model, recipe, ChunksOf(model, recipe)), reporter, cancellationToken);

    /// <summary>Inverts a given picture. The caller owns what was found, until <see cref="Follow"/> takes it over.</summary>
    public InversionFile Invert(StableDiffusionModel model, InvertedRecipe recipe, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken) =>
        Invert(model, recipe, ChunksOf(model, recipe), key, reporter, cancellationToken);

    /// <summary>Runs an inverted picture as the source of edits and records it; the way is the sources' from now on.</summary>
    public MadePicture Follow(StableDiffusionModel model, InvertedImage way, string key, JobReporter reporter, CancellationToken cancellationToken) =>
        Open(key, Following(model, way), reporter, cancellationToken);

    /// <summary>Runs an edit of a recorded source, which is run first where it is not recorded, or not with as many windows.</summary>
    /// <param name="model">The model that made the source.</param>
    /// <param name="recipe">The edit.</param>
    /// <param name="windows">In how many windows the prompts are read.</param>
    /// <param name="reporter">Gives the receiver of a stage's progress.</param>
    /// <param name="stage">The stage that the edit itself is.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <exception cref="InvalidInputException">The source was made by another model, or the edit does not fit it.</exception>
    public EditResult Edit(StableDiffusionModel model, EditedRecipe recipe, int windows, Func<string, JobReporter> reporter, string stage, CancellationToken cancellationToken)
    {
        var source = store.Version(recipe.Source);
        var mask = recipe.Mask is { } name ? store.Mask(name) : null;
        if (mask is not null && OwnSize.Of(source, store) is { } own)
            mask = own.FrameMask(mask);
        var session = SessionOf(model, source, windows, reporter, cancellationToken);
        return session.Session.Edit(recipe.Request(mask), new Observation { Attention = true, Trace = true }, reporter(stage), cancellationToken);
    }

    /// <summary>Lets go of recordings.</summary>
    /// <param name="predicate">Tells by its key whether one goes.</param>
    public void Forget(Func<string, bool> predicate) => sessions.Remove(predicate);

    private RecordedSource Drawing(StableDiffusionModel model, DrawnRecipe recipe, int windows) =>
        new(new(model, new GenerationRequest { Prompt = recipe.Prompt, Sampling = recipe.Sampling(windows) }, maxBytes: maxBytes), null);

    // What was run with more windows than its own prompts need, for an edit of more words, is another thing.
    private string SessionKey(StableDiffusionModel model, PictureVersion version, int windows) =>
        windows == ChunksOf(model, version.Recipe) ? store.KeyOf(version.Id) : $"{store.KeyOf(version.Id)}-{windows}";

    private RecordedSource Following(StableDiffusionModel model, InvertedImage way) => new(new(model, GenerationRequest.Of(way), maxBytes: maxBytes), way);

    // Runs a source and keeps it for edits.
    private MadePicture Open(string key, RecordedSource session, JobReporter reporter, CancellationToken cancellationToken)
    {
        return session.DisposeOnFailure(() =>
        {
            using var result = session.Session.RunSource(new Observation { Attention = true }, reporter, cancellationToken);
            var made = MadePicture.Of(result);
            sessions.Add(key, session);
            return made;
        });
    }

    private RecordedSource SessionOf(StableDiffusionModel model, PictureVersion version, int windows, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        RequireMadeBy(model, version);
        var key = SessionKey(model, version, windows);
        if (sessions.Find(key) is { } recorded)
            return recorded;
        var session = version.Recipe is DrawnRecipe drawn ? Drawing(model, drawn, windows) : Following(model, WayOf(model, version, windows, key, reporter, cancellationToken));
        Open(key, session, reporter("preparing"), cancellationToken);
        return session;
    }

    // Behind the same name there may be another model since: attention of one must not steer the other.
    private void RequireMadeBy(StableDiffusionModel model, PictureVersion version)
    {
        if (KeyWith(model, version.Recipe) != store.KeyOf(version.Id))
        {
            throw new InvalidInputException(
                $"Picture {version.Number} was made by another model than what \"{version.Recipe.Root(store.Version).Model}\" is now (its files, adapters or type differ). "
                + "Draw it again and edit that, or start the studio as it was then.");
        }
    }

    private string KeyWith(StableDiffusionModel model, Recipe recipe) =>
        RecipeKey.Of(recipe, recipe is EditedRecipe edited ? KeyWith(model, store.Version(edited.Source).Recipe) : Origin(model));

    // Kept on disk, so that it is found once; p2p edit --inversion reads the same files.
    private InvertedImage WayOf(StableDiffusionModel model, PictureVersion version, int windows, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
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
                // Damaged, or just removed: what it was made from is still there.
            }
        }

        if (version.Recipe is InvertedRecipe given)
            return Invert(model, given, windows, key, reporter, cancellationToken).Inverted;
        var picture = store.Picture(version.Picture);
        var framing = model.Frame(FramingKind.Crop, picture.Size);
        var file = new InversionFile(FindWay(model, version.Recipe, windows, framing.Apply(picture), reporter, cancellationToken), picture, framing);
        return Saved(file, path, model).Inverted;
    }

    private InvertedImage FindWay(
        StableDiffusionModel model, Recipe recipe, int windows, Picture picture, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        if (recipe is EditedRecipe edited)
        {
            using var result = Edit(model, edited, windows, reporter, "preparing", cancellationToken);
            return result.AsSource(0);
        }

        using var latents = model.Vae.EncodeImage(picture, model.Device);
        return InversionMethod.Invert(model, latents, ((InpaintedRecipe)recipe).Inversion(windows), reporter("inverting"), cancellationToken: cancellationToken);
    }

    private InversionFile Invert(
        StableDiffusionModel model, InvertedRecipe recipe, int windows, string key, Func<string, JobReporter> reporter, CancellationToken cancellationToken)
    {
        var picture = store.Picture(recipe.Picture);
        var framing = model.Frame(recipe.Framing, picture.Size);
        using var latents = model.Vae.EncodeImage(framing.Apply(picture), model.Device);
        var inverted = InversionMethod.Invert(model, latents, recipe.Inversion(windows), reporter("inverting"), cancellationToken: cancellationToken);
        return Saved(new InversionFile(inverted, picture, framing), store.InversionFile(key), model);
    }

    private static InversionFile Saved(InversionFile file, string path, StableDiffusionModel model) => file.DisposeOnFailure(() =>
    {
        file.Save(path, model);
        return file;
    });

    /// <summary>A source that has run, ready for edits.</summary>
    /// <param name="Session">The session.</param>
    /// <param name="Inverted">The trajectory it follows, where it does not come from noise; the session's to dispose.</param>
    private sealed record RecordedSource(EditSession Session, InvertedImage? Inverted) : IDisposable
    {
        public void Dispose()
        {
            Session.Dispose();
            Inverted?.Dispose();
        }
    }
}
