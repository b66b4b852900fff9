using System.Security.Cryptography;
using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.TextEncoders;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>A model directory in the diffusers layout: one folder for each part, with a config and weights.</summary>
internal sealed class ModelDirectory
{
    private static readonly string[] WeightNames = ["diffusion_pytorch_model.safetensors", "model.safetensors"];
    private static readonly string[] Pipelines = ["StableDiffusionPipeline", "StableDiffusionInpaintPipeline", ""];
    private readonly string directory;
    private readonly List<string> used = [];

    public ModelDirectory(string directory)
    {
        this.directory = directory;
        if (!Directory.Exists(directory))
            throw new InvalidInputException($"There is no model directory {directory}; give --model the path of one, or leave it out for the embedded model.");
        var index = JsonConfig.Read(Path.Combine(directory, "model_index.json"));
        if (!Pipelines.Contains(index.Text("_class_name", "")))
            throw index.Error("_class_name", $"is \"{index.Text("_class_name")}\"; only StableDiffusionPipeline and StableDiffusionInpaintPipeline models can be loaded so far");
    }

    public string Folder(string part)
    {
        var folder = Path.Combine(directory, part);
        return Directory.Exists(folder) ? folder
            : throw new InvalidInputException($"The model {directory} has no folder {part}/; it is incomplete, download it again.");
    }

    public string Config(string part) => Path.Combine(Folder(part), part == "scheduler" ? "scheduler_config.json" : "config.json");

    public T Build<T>(
        string part, Device device, ScalarType dtype, List<IDisposable> owned, Func<WeightScope, T> build, Func<string, bool>? mayIgnore = null)
    {
        var folder = Folder(part);
        var path = WeightNames.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
            ?? throw new InvalidInputException($"{folder} holds no weights ({string.Join(" or ", WeightNames)}); the model is incomplete, download it again.");
        // Weights that are used as they are stored hold the file's mapping by themselves; of converted ones it need not stay.
        using var file = SafetensorsFile.Open(path);
        used.Add(path);
        var weights = new StoredWeights(path, file.Tensors.ToDictionary(t => t.Key, t => new StoredWeight(
            t.Value.Shape, () => Place(file.Read(t.Key), device, dtype))));
        owned.Add(weights);
        var model = build(weights.Root);
        weights.RequireAllUsed(mayIgnore);
        return model;
    }

    /// <summary>
    /// Tells models apart: a hash of the configs and of the weights that were built from, these by their headers and by samples of their
    /// data, since reading gigabytes would take longer than what it guards against is likely.
    /// </summary>
    public string Fingerprint()
    {
        const int Samples = 64, SampleLength = 4096;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var config in new[] { "text_encoder", "unet", "vae", "scheduler" }.Select(Config))
            hash.AppendData(File.ReadAllBytes(config));
        var buffer = new byte[SampleLength];
        foreach (var path in used)
        {
            using var stream = File.OpenRead(path);
            hash.AppendData(BitConverter.GetBytes(stream.Length));
            for (var i = 0; i < Samples; i++)
            {
                stream.Position = (stream.Length - 1) * i / Samples;
                hash.AppendData(buffer.AsSpan(0, stream.ReadAtLeast(buffer, SampleLength, throwOnEndOfStream: false)));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Refuses parts that were not made for each other, before a tensor operation does so less clearly.</summary>
    public void RequireFit(ClipTokenizer tokenizer, ClipTextModel text, UNet2DConditionModel unet, AutoencoderKL vae)
    {
        Require(tokenizer.VocabularySize <= text.Config.VocabularySize, $"tokenizer/ has {tokenizer.VocabularySize} tokens, text_encoder/ {text.Config.VocabularySize}");
        Require(tokenizer.MaxLength <= text.Config.MaxLength, $"tokenizer/ makes {tokenizer.MaxLength} tokens, text_encoder/ takes {text.Config.MaxLength}");
        Require(text.Config.HiddenSize == unet.Config.CrossAttentionDim, $"text_encoder/ is {text.Config.HiddenSize} wide, unet/ expects {unet.Config.CrossAttentionDim}");
        Require(unet.Config.OutChannels == vae.Config.LatentChannels, $"unet/ makes {unet.Config.OutChannels} channels, vae/ takes {vae.Config.LatentChannels}");
    }

    private static Tensor Place(Tensor stored, Device device, ScalarType dtype)
    {
        if (stored.dtype == dtype && stored.device_type == device.type)
            return stored;
        using (stored)
            return stored.to(dtype, device);
    }

    private void Require(bool condition, string mismatch)
    {
        if (!condition)
            throw new InvalidInputException($"The parts of the model {directory} do not belong together: {mismatch}.");
    }
}
