using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Evaluation.Inversions;

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

    /// <summary>A mask of the picture as the model sees it.</summary>
    /// <exception cref="InvalidInputException">It has another size than the picture.</exception>
    public Picture? Frame(Picture? mask)
    {
        if (mask is null)
            return null;
        if (mask.Size != opened!.Picture.Size)
            throw new InvalidInputException($"--mask is {mask.Size}, the picture {opened.Picture.Size}; give a mask of the picture's size.");
        var framed = opened.Framing.Apply(mask);
        return framed.Rgb.Any(value => value > byte.MaxValue / 2) ? framed
            : throw new InvalidInputException("--mask is black everywhere in the part that the model sees; paint it white where the picture may change, or take --frame pad.");
    }

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
            ["psnr"] = Json.Decibels(reconstruction.Psnr),
            ["psnrOfAutoencoder"] = Json.Decibels(reconstruction.Ceiling),
        };
        return opened.Inverted;

        InversionFile Invert(Picture given, Framing framing)
        {
            using var latents = framing.Apply(given).Encode(model.Vae, model.Device);
            return new(StepDisplay.Run(quiet, progress => InversionMethod.Invert(model, latents, settings, progress, cancel: cancel)), given, framing);
        }
    }

    /// <summary>Writes the picture, what the model makes of it, and its edits at the picture's own size.</summary>
    public void AddPictures(PictureFolder folder, EditResult result)
    {
        var (original, framing) = (opened!.Picture, opened.Framing);
        PictureJob.AddAll(
            folder,
            [
                ("source", original, "picture", null),
                ("reconstruction", framing.Restore(result.Pictures[0], original), $"as the model holds it: {result.Prompts[0].Text}", 0),
                .. result.Pictures.Skip(1).Select((edited, k) => ($"edit-{k + 1}", framing.Restore(edited, original), result.Caption(k + 1), (int?)(k + 1))),
            ],
            Sheet.CellSide(original));
    }

    public void AddFacts(JsonObject record) => record["inversion"] = facts;

    public void Dispose() => opened?.Dispose();
}
