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

/// <summary>A picture that somebody gave for editing: inverted now, or earlier.</summary>
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

    /// <summary>A picture that is inverted when it is opened.</summary>
    public static RealPicture FromImage(string file) => new(null, Parsed.Named("--image", () => Picture.Load(file)));

    /// <summary>A picture that was inverted.</summary>
    public static RealPicture Saved(string path) => new(path, null);

    /// <summary>Whether the picture was inverted earlier.</summary>
    public bool IsInverted => picture is null;

    /// <summary>The picture's size; null where that is not known before the model is.</summary>
    public PixelSize? Size => picture?.Size ?? InversionFile.PictureSize(path!);

    /// <summary>A mask of the picture as the model sees it.</summary>
    /// <exception cref="InvalidInputException">It has another shape than the picture, or nothing of it is seen.</exception>
    public Picture? Frame(Picture? mask) => mask is null ? null : Parsed.Named("--mask", () => Mask.Frame(mask, opened!.Framing));

    /// <summary>Inverts the picture, or reads its inversion.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">How to invert, where that is still to be done.</param>
    /// <param name="frame">How to bring the picture to the model's size then.</param>
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

    /// <summary>Writes the picture, what the model makes of it, and its edits at the picture's own size.</summary>
    public void AddPictures(PictureFolder folder, EditResult result)
    {
        var (original, framing) = (opened!.Picture, opened.Framing);
        PictureJob.AddAll(folder, Pictures(), Sheet.CellSide(original));

        IEnumerable<(string Name, Picture Picture, string Caption, int? Row)> Pictures()
        {
            yield return ("source", original, "picture", null);
            yield return ("reconstruction", framing.Restore(result.Pictures[0], original), $"as the model holds it: {result.Prompts[0].Text}", 0);
            for (var k = 1; k < result.Pictures.Count; k++)
                yield return ($"edit-{k}", framing.Restore(result.Pictures[k], original), result.Caption(k), k);
        }
    }

    public void AddFacts(JsonObject record) => record["inversion"] = facts;

    public void Dispose() => opened?.Dispose();
}
