using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.TextEncoders;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>
/// Writes a model directory of any shape with random weights. Its pictures are noise, but it has the names, shapes, time and memory of a trained
/// one.
/// </summary>
public static class RandomModel
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes everything but the tokenizer, which the caller puts into <c>tokenizer/</c>. One tensor at a time is held in memory.</summary>
    /// <param name="directory">Made when it is not there.</param>
    /// <param name="shape">The model's shape.</param>
    /// <param name="dtype">Type of the stored weights.</param>
    /// <param name="seed">Seed of the weights; each part draws from its own generator.</param>
    /// <param name="cancel">Checked before each tensor.</param>
    /// <exception cref="InvalidInputException">The directory cannot be written.</exception>
    public static void Write(string directory, ModelShape shape, ScalarType dtype, ulong seed, CancellationToken cancel = default)
    {
        WriteJson(directory, "scheduler/scheduler_config.json", shape.Scheduler.ToJson());
        WriteJson(directory, "text_encoder/config.json", shape.TextEncoder.ToJson());
        WriteJson(directory, "unet/config.json", shape.UNet.ToJson());
        WriteJson(directory, "vae/config.json", shape.Vae.ToJson());
        WriteWeights(Path.Combine(directory, "text_encoder", "model.safetensors"), weights => _ = new ClipTextModel(shape.TextEncoder, weights));
        WriteWeights(Path.Combine(directory, "unet", "diffusion_pytorch_model.safetensors"), weights => _ = new UNet2DConditionModel(shape.UNet, weights));
        WriteWeights(Path.Combine(directory, "vae", "diffusion_pytorch_model.safetensors"), weights => _ = new AutoencoderKL(shape.Vae, weights));
        // Last: without it, a directory that was left unfinished is no model.
        WriteJson(directory, "model_index.json", new JsonObject
        {
            ["_class_name"] = "StableDiffusionPipeline",
            ["scheduler"] = JsonConfig.Array(["diffusers", shape.Scheduler.ClassName]),
            ["text_encoder"] = JsonConfig.Array(["transformers", "CLIPTextModel"]),
            ["tokenizer"] = JsonConfig.Array(["transformers", "CLIPTokenizer"]),
            ["unet"] = JsonConfig.Array(["diffusers", "UNet2DConditionModel"]),
            ["vae"] = JsonConfig.Array(["diffusers", "AutoencoderKL"]),
            ["requires_safety_checker"] = false,
        });

        void WriteWeights(string path, Action<WeightScope> build)
        {
            using var generator = new Generator(seed, CPU);
            using var planned = new PlannedWeights();
            build(planned.Root);
            var tensors = planned.Requests.Select(request => new PendingTensor(request.Name, dtype, request.Shape, () =>
            {
                cancel.ThrowIfCancellationRequested();
                return Draw(request, dtype, generator);
            }));
            SafetensorsWriter.WritePending(path, tensors, new Dictionary<string, string> { ["format"] = "pt" });
        }
    }

    private static Tensor Draw(WeightRequest request, ScalarType dtype, Generator generator)
    {
        using var initial = new InitialWeights(generator);
        return initial.Take(request.Name, request.Init, request.FanIn, [.. request.Shape]).to(dtype, copy: true);
    }

    private static void WriteJson(string directory, string name, JsonObject content)
    {
        var path = Path.Combine(directory, name);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{directory} cannot be made a model directory ({e.Message}); choose another.", e);
        }

        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(content.ToJsonString(Indented) + "\n")));
    }
}
