using System.Globalization;
using System.Text.Json;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// An inversion on disk, in one safetensors file: the result, the image with its framing, and what identifies the model: its fingerprints and
/// the embeddings of the words in the prompt. The tensors use the names of the trace format, so that other programs can read them.
/// </summary>
/// <param name="Inverted">The inverted image.</param>
/// <param name="Image">The original image.</param>
/// <param name="Framing">How the image was fitted to the model's size.</param>
internal sealed record InversionFile(InvertedImage Inverted, Image Image, Framing Framing) : IDisposable
{
    private const string Format = "p2p-inversion-1";

    /// <summary>The model's compute type, if the file states it.</summary>
    private string? Dtype { get; init; }

    /// <summary>Writes the file atomically.</summary>
    /// <param name="path">Destination path.</param>
    /// <param name="model">The model used for the inversion.</param>
    public void Save(string path, StableDiffusionModel model)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor> { ["picture"] = Image.ToTensor(), ["source"] = Inverted.SourceTrajectory.cpu() };
        Inverted.AddTrace(tensors);
        if (Inverted.StepNoise is { } noise)
            tensors["step_noise"] = noise.cpu();
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string>
        {
            ["format"] = Format,
            ["model"] = model.Fingerprint,
            ["base"] = model.FingerprintWithoutEmbeddings,
            ["words"] = model.WordsIn(Inverted.Settings.Prompt),
            ["dtype"] = model.Precision.Identity,
            ["settings"] = JsonSerializer.Serialize(Inverted.Settings),
            ["framing"] = JsonSerializer.Serialize(Framing),
            ["losses"] = JsonSerializer.Serialize(Inverted.Losses),
            ["finished"] = Inverted.FinishedSteps.ToString(CultureInfo.InvariantCulture),
            ["edit"] = JsonSerializer.Serialize(Inverted.IsEdit),
        });
    }

    /// <summary>Size of the image in a file, read from the header; null if the file holds no image.</summary>
    /// <exception cref="InvalidInputException">The file is not in the safetensors format, or is damaged.</exception>
    public static PixelSize? ImageSize(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Tensors.TryGetValue("picture", out var image) && image.Shape is [var height, var width, 3] ? new PixelSize((int)width, (int)height) : null;
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="model">The model it will be used with.</param>
    /// <exception cref="InvalidInputException">The file is not an inversion, is damaged, or was made with another model.</exception>
    public static InversionFile Load(string path, StableDiffusionModel model)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault("format") != Format)
            throw new InvalidInputException($"{path} is not an inversion file. Invert an image and use the resulting file.");
        var maker = file.Metadata.GetValueOrDefault("model");
        // Embeddings change nothing if the prompt has none of their words.
        var (basis, words) = (file.Metadata.GetValueOrDefault("base") ?? maker, file.Metadata.GetValueOrDefault("words") ?? "");
        if (maker != model.Fingerprint && basis != model.FingerprintWithoutEmbeddings)
            throw OtherModel();
        try
        {
            var settings = Read<InversionSettings>("settings");
            settings.Validate();
            var finished = Read<int>("finished");
            var pixels = file.Read("picture");
            var framing = Read<Framing>("framing");
            if (pixels.dtype != ScalarType.Byte || pixels.dim() != 3 || pixels.shape[2] != 3 || finished < 0 || finished > settings.Sampling.Steps
                || framing.Original != new PixelSize((int)pixels.shape[1], (int)pixels.shape[0]))
                throw new InvalidInputException("its parts do not match");
            var latents = Tensor("inversion.latents", settings.Sampling.Steps + 1);
            var source = Tensor("source", finished + 1);
            if (latents.dim() != 4 || latents.shape[1] != model.Shape.Vae.LatentChannels || !source.shape[1..].SequenceEqual(latents.shape[1..])
                || framing.Framed != new PixelSize((int)latents.shape[3], (int)latents.shape[2]) * model.Shape.Vae.PixelsPerLatent
                || !IsWithin(framing.Region, framing.Original) || !IsWithin(framing.Place, framing.Framed))
                throw new InvalidInputException("its parts do not match");
            var image = new Image((int)pixels.shape[1], (int)pixels.shape[0], pixels.data<byte>().ToArray());
            var inverted = new InvertedImage(settings, latents, source)
            {
                Unconditional = Optional("inversion.uncond", finished) is { } text ? new Conditioning(text, Optional("inversion.uncond_vector", entries: 1)) : null,
                StepNoise = Optional("step_noise", settings.Sampling.Steps),
                Losses = Read<double[][]>("losses"),
                FinishedSteps = finished,
                IsEdit = file.Metadata.ContainsKey("edit") && Read<bool>("edit"),
            };
            var read = new InversionFile(inverted, image, framing) { Dtype = file.Metadata.GetValueOrDefault("dtype") };
            if (maker == model.Fingerprint || words == model.WordsIn(settings.Prompt))
                return read;
            read.Dispose();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidInputException)
        {
            throw new InvalidInputException($"{path} is damaged ({e.Message.TrimEnd('.')}). Invert the image again.", e);
        }

        throw OtherModel();

        InvalidInputException OtherModel() =>
            new($"{path} was made with a different model than {model.Directory}, or with different weights of it. Invert the image again.");

        static bool IsWithin(PixelRectangle part, PixelSize whole) =>
            part is { X: >= 0, Y: >= 0, Width: > 0, Height: > 0 } && part.X <= whole.Width - part.Width && part.Y <= whole.Height - part.Height;

        T Read<T>(string name) => JsonSerializer.Deserialize<T>(file.Metadata[name])!;

        Tensor? Optional(string name, int entries) => file.Tensors.ContainsKey(name) ? InvertedImage.Own(Tensor(name, entries)) : null;

        Tensor Tensor(string name, int entries)
        {
            var read = file.Read(name);
            return read.dim() >= 1 && read.shape[0] == entries ? read.to(model.Device)
                : throw new InvalidInputException($"{name} has {(read.dim() == 0 ? 0 : read.shape[0])} entries, not {entries}");
        }
    }

    /// <summary>Whether an unfinished inversion read from a file can be resumed for an image.</summary>
    /// <param name="model">The model to resume with, which the file was loaded for.</param>
    /// <param name="settings">The requested settings.</param>
    /// <param name="image">The image.</param>
    /// <param name="framing">How the image is fitted to the model's size.</param>
    public bool IsOf(StableDiffusionModel model, InversionSettings settings, Image image, Framing framing)
        => Dtype == model.Precision.Identity && Relevant(Inverted.Settings) == Relevant(settings)
        && Framing == framing && Image.Size == image.Size && Image.Rgb.AsSpan().SequenceEqual(image.Rgb);

    /// <inheritdoc/>
    public void Dispose() => Inverted.Dispose();

    // Recomputing activations does not change any number, and a file keeps only the sampling settings that do.
    private static InversionSettings Relevant(InversionSettings settings) => settings with
    {
        Sampling = InversionSettings.ForInversion(settings.Sampling),
        Method = settings.Method is NullTextInversion method ? method with { SaveMemory = null } : settings.Method,
    };
}
