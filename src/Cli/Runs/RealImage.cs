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
internal sealed class RealImage : IDisposable
{
    private readonly string? path;
    private readonly Image? image;
    private readonly double? feather;
    private InversionFile? opened;
    private Image? mask;
    private byte[]? opacities;
    private JsonObject facts = [];

    private RealImage(string? path, Image? image, double? feather)
    {
        this.path = path;
        this.image = image;
        this.feather = feather;
    }

    /// <summary>A picture to invert in <see cref="Open"/>.</summary>
    /// <param name="file">The picture.</param>
    /// <param name="feather">Width of the soft edge inside the mask of the edits, in pixels of the picture; null for half a latent position.</param>
    public static RealImage FromImage(string file, double? feather) => new(null, Parsed.Named("--image", () => Image.Load(file)), feather);

    /// <summary>A saved inversion.</summary>
    /// <inheritdoc cref="FromImage"/>
    public static RealImage Saved(string path, double? feather) => new(path, null, feather);

    /// <summary>The same picture, to invert in another way.</summary>
    public RealImage Again() => new(path, image, feather);

    /// <summary>Whether the inversion is read from a file.</summary>
    public bool IsInverted => image is null;

    /// <summary>Size of the picture; null if it is unknown until the model is loaded.</summary>
    public PixelSize? Size => image?.Size ?? InversionFile.ImageSize(path!);

    /// <summary>The mask of the edits, framed like the picture; null without one, and until <see cref="Open"/>.</summary>
    public Image? FramedMask { get; private set; }

    /// <summary>Inverts the picture, or reads its inversion.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">Inversion settings, if the picture is not inverted yet.</param>
    /// <param name="frame">Frames the picture, if it is not inverted yet.</param>
    /// <param name="given">The mask of the edits of the whole picture; null for none.</param>
    /// <param name="quiet">Whether to show no progress.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <exception cref="InvalidInputException">The mask has another shape than the picture, or is empty after framing.</exception>
    public InvertedImage Open(
        StableDiffusionModel model, InversionSettings settings, Func<Image, Framing> frame, Image? given, bool quiet, CancellationToken cancellationToken)
    {
        mask = given;
        opened = image is null ? Parsed.Named("--inversion", () => InversionFile.Load(path!, model)) : Invert(image, frame(image));
        FrameMask(opened.Framing);
        var reconstruction = Reconstruction.Of(model, opened);
        facts = new JsonObject
        {
            ["settings"] = JsonSerializer.SerializeToNode(opened.Inverted.Settings),
            ["psnr"] = Json.Decibels(reconstruction.Psnr),
            ["psnrOfAutoencoder"] = Json.Decibels(reconstruction.Ceiling),
        };
        return opened.Inverted;

        InversionFile Invert(Image picture, Framing framing)
        {
            // Inverting takes long: a mask that does not fit is refused before.
            FrameMask(framing);
            using var latents = model.Vae.EncodeImage(framing.Apply(picture), model.Device);
            return new(StepDisplay.Run(quiet, progress => InversionMethod.Invert(model, latents, settings, progress, cancellationToken: cancellationToken)), picture, framing);
        }

        void FrameMask(Framing framing)
        {
            if (mask is null || FramedMask is not null)
                return;
            FramedMask = Parsed.Named("--mask", () => Mask.Frame(mask, framing));
            if (feather is not null)
                _ = Parsed.Named("--feather", () => GivenImage.OpacitiesOf(framing, mask, model.Shape.Vae.PixelsPerLatent, feather, cancellationToken));
        }
    }

    /// <summary>Writes the picture, its reconstruction and its edits at the picture's own size.</summary>
    /// <param name="folder">The output folder.</param>
    /// <param name="result">The run.</param>
    /// <param name="keepsOutside">Whether to keep the picture's own pixels where an edit changes nothing.</param>
    public void AddImages(ImageFolder folder, EditResult result, bool keepsOutside)
    {
        var (original, framing) = (opened!.Image, opened.Framing);
        ImageJob.AddAll(folder, Images(), Sheet.CellSide(original));

        IEnumerable<(string Name, Image Image, string Caption, int? Row)> Images()
        {
            yield return ("source", original, "picture", null);
            yield return ("reconstruction", framing.Restore(result.Images[0], original), $"reconstruction: {result.Prompts[0].Text}", 0);
            for (var k = 1; k < result.Images.Count; k++)
                yield return ($"edit-{k}", Draw(result, k, keepsOutside), result.Caption(k), k);
        }
    }

    /// <summary>The picture.</summary>
    public Image Original => opened!.Image;

    /// <summary>Draws an edit at the picture's own size.</summary>
    /// <param name="result">The run.</param>
    /// <param name="index">Index of the edit among the images of the run.</param>
    /// <param name="keepsOutside">Whether to keep the picture's own pixels where the edit changes nothing.</param>
    public Image Draw(EditResult result, int index, bool keepsOutside)
    {
        if (!keepsOutside)
            return opened!.Framing.Restore(result.Images[index], Original);
        // All edits have the same mask.
        opacities ??= GivenImage.OpacitiesOf(opened!.Framing, mask, result.PixelsPerLatent, feather);
        return new GivenImage(Original, opened!.Framing).Draw(result, index, opacities);
    }

    public void AddFacts(JsonObject record) => record["inversion"] = facts;

    /// <summary>Adds the facts of several inversions of one picture.</summary>
    public static void AddFacts(JsonObject record, IReadOnlyList<RealImage> several)
    {
        if (several is [var only])
            only.AddFacts(record);
        else
            record["inversions"] = new JsonArray([.. several.Select(each => each.facts)]);
    }

    public void Dispose() => opened?.Dispose();
}
