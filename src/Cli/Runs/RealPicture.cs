using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Evaluation.Measures;

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

    /// <summary>Inverts the picture, or reads its inversion.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">How to invert, where that is still to be done.</param>
    /// <param name="frame">How to bring the picture to the model's size then.</param>
    /// <param name="quiet">Whether to show no progress.</param>
    /// <param name="cancel">Stops before the next step.</param>
    public InvertedPicture Open(StableDiffusionModel model, InversionSettings settings, Func<Picture, Framing> frame, bool quiet, CancellationToken cancel)
    {
        opened = picture is null ? Parsed.Named("--inversion", () => InversionFile.Load(path!, model)) : Invert(picture, frame(picture));
        var reconstruction = Reconstruction.Of(model, opened);
        facts = new JsonObject
        {
            ["settings"] = JsonSerializer.SerializeToNode(opened.Inverted.Settings),
            ["psnr"] = Math.Round(reconstruction.Psnr, 2),
            ["psnrOfAutoencoder"] = Math.Round(reconstruction.Ceiling, 2),
        };
        return opened.Inverted;

        InversionFile Invert(Picture given, Framing framing)
        {
            using var latents = framing.Apply(given).Encode(model.Vae, model.Device);
            return new(StepDisplay.Run(quiet, progress => InversionMethod.Invert(model, latents, settings, progress, cancel: cancel)), given, framing);
        }
    }

    /// <summary>Writes the picture, what the model makes of it, and its edits at the picture's own size.</summary>
    public void AddPictures(RunFolder folder, EditResult result)
    {
        var (original, framing) = (opened!.Picture, opened.Framing);
        PictureJob.AddAll(
            folder,
            [
                ("source", original, "picture"),
                ("reconstruction", framing.Restore(result.Pictures[0], original), $"as the model holds it: {result.Prompts[0].Text}"),
                .. result.Pictures.Skip(1).Select((edited, k) => ($"edit-{k + 1}", framing.Restore(edited, original), result.Prompts[k + 1].Text)),
            ],
            Sheet.CellSide(original));
    }

    public void AddFacts(JsonObject record) => record["inversion"] = facts;

    public void Dispose() => opened?.Dispose();
}
