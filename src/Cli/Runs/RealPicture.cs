using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Cli.Runs;

/// <summary>An input picture to edit: inverted now, or read from an inversion file.</summary>
internal sealed class RealPicture : IDisposable
{
    private readonly string? path;
    private readonly Picture? picture;
    private InversionFile? opened;
    private JsonObject facts = [];

    private RealPicture(string? path, Picture? picture)
    {
        this.path = path;
        this.picture = picture;
    }

    /// <summary>A picture to invert in <see cref="Open"/>.</summary>
    public static RealPicture FromImage(string file) => new(null, Parsed.Named("--image", () => Picture.Load(file)));

    /// <summary>A saved inversion.</summary>
    public static RealPicture Saved(string path) => new(path, null);

    /// <summary>Whether the inversion is read from a file.</summary>
    public bool IsInverted => picture is null;

    /// <summary>Size of the picture; null if it is unknown until the model is loaded.</summary>
    public PixelSize? Size => picture?.Size ?? InversionFile.PictureSize(path!);

    /// <summary>The mask, framed like the picture.</summary>
    /// <exception cref="InvalidInputException">The mask has another shape than the picture, or is empty after framing.</exception>
    public Picture? Frame(Picture? mask) => mask is null ? null : Parsed.Named("--mask", () => Mask.Frame(mask, opened!.Framing));

    /// <summary>Inverts the picture, or reads its inversion.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">Inversion settings, if the picture is not inverted yet.</param>
    /// <param name="frame">Frames the picture, if it is not inverted yet.</param>
    /// <param name="quiet">Whether to show no progress.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    public InvertedImage Open(StableDiffusionModel model, InversionSettings settings, Func<Picture, Framing> frame, bool quiet, CancellationToken cancellationToken)
    {
        opened = picture is null ? Parsed.Named("--inversion", () => InversionFile.Load(path!, model)) : Invert(picture, frame(picture));
        var reconstruction = Reconstruction.Of(model, opened);
        facts = new JsonObject
        {
            ["settings"] = JsonSerializer.SerializeToNode(opened.Inverted.Settings),
            ["psnr"] = Json.Decibels(reconstruction.Psnr),
            ["psnrOfAutoencoder"] = Json.Decibels(reconstruction.Ceiling),
        };
        return opened.Inverted;

        InversionFile Invert(Picture given, Framing framing)
        {
            using var latents = model.Vae.EncodeImage(framing.Apply(given), model.Device);
            return new(StepDisplay.Run(quiet, progress => InversionMethod.Invert(model, latents, settings, progress, cancellationToken: cancellationToken)), given, framing);
        }
    }

    /// <summary>Writes the picture, its reconstruction and its edits at the picture's own size.</summary>
    public void AddPictures(PictureFolder folder, EditResult result)
    {
        var (original, framing) = (opened!.Picture, opened.Framing);
        PictureJob.AddAll(folder, Pictures(), Sheet.CellSide(original));

        IEnumerable<(string Name, Picture Picture, string Caption, int? Row)> Pictures()
        {
            yield return ("source", original, "picture", null);
            yield return ("reconstruction", framing.Restore(result.Pictures[0], original), $"reconstruction: {result.Prompts[0].Text}", 0);
            for (var k = 1; k < result.Pictures.Count; k++)
                yield return ($"edit-{k}", framing.Restore(result.Pictures[k], original), result.Caption(k), k);
        }
    }

    public void AddFacts(JsonObject record) => record["inversion"] = facts;

    public void Dispose() => opened?.Dispose();
}
