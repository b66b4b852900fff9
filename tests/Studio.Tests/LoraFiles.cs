using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Studio.Engine;
using static TorchSharp.torch;

namespace PromptToPrompt.Studio.Tests;

/// <summary>LoRAs of the small model as files, and that model with LoRAs that can be added.</summary>
internal sealed class LoraFiles : IDisposable
{
    private const int Width = 32;

    private readonly TemporaryFolder folder = new();

    public static OfferedModel Model { get; } = TestStudio.Model with { LoadWith = Load, RequireFits = RequireFits };

    /// <summary>A file of a given strength.</summary>
    public string Write(string name = "style", float strength = 1, int width = Width)
    {
        // A constant would be lost in the next normalization.
        using var down = linspace(-4, 4, width).view(1, width);
        using var up = linspace(-4 * strength, 4 * strength, width).view(width, 1);
        SafetensorsWriter.Write(folder[$"{name}.safetensors"], new Dictionary<string, Tensor>
        {
            ["lora_te_text_model_encoder_layers_0_self_attn_v_proj.lora_down.weight"] = down,
            ["lora_te_text_model_encoder_layers_0_self_attn_v_proj.lora_up.weight"] = up,
        });
        return folder[$"{name}.safetensors"];
    }

    public void Dispose() => folder.Dispose();

    private static StableDiffusionModel Load(IReadOnlyList<Lora> loras, IReadOnlyList<TextEmbedding> words) =>
        StableDiffusionModel.Load(TinyModel.Shared.Folder, options: new() { Loras = loras, Embeddings = words });

    private static void RequireFits(Lora lora)
    {
        using var files = ModelFiles.Open(TinyModel.Shared.Folder, new() { Loras = [lora] });
        _ = files.Notes;
    }
}
