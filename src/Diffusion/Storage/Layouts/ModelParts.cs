using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The parts of a model that have weights, by their directory names.</summary>
internal static class ModelParts
{
    public const string TextEncoder = "text_encoder";
    public const string TextEncoder2 = "text_encoder_2";
    public const string UNet = "unet";
    public const string Vae = "vae";
    public const string Scheduler = "scheduler";

    /// <summary>The text encoders; a model has the first or both.</summary>
    public static IReadOnlyList<string> TextEncoders { get; } = [TextEncoder, TextEncoder2];

    /// <summary>The parts of a model that have weights.</summary>
    public static IReadOnlyList<string> Of(ModelConfig shape) => [.. TextEncoders.Take(shape.TextEncoders.Count), UNet, Vae];

    /// <summary>The parts of a model that have a config.</summary>
    public static IReadOnlyList<string> Configured(ModelConfig shape) => [.. Of(shape), Scheduler];

    /// <summary>The content of a part's config.</summary>
    public static JsonObject Config(string part, ModelConfig shape) => part switch
    {
        UNet => shape.UNet.ToJson(),
        Vae => shape.Vae.ToJson(),
        Scheduler => shape.Scheduler.ToJson(),
        _ => Text(part, shape).ToJson(),
    };

    /// <summary>File name of a part's config.</summary>
    public static string ConfigFile(string part) => part == Scheduler ? "scheduler_config.json" : "config.json";

    /// <summary>File name of a part's weights.</summary>
    public static string WeightsFile(string part) => IsTextEncoder(part) ? "model.safetensors" : "diffusion_pytorch_model.safetensors";

    /// <summary>All weights that a part needs.</summary>
    /// <param name="part">The part.</param>
    /// <param name="shape">The model's config.</param>
    /// <param name="stored">The stored weights, which decide between alternative names and shapes.</param>
    public static IReadOnlyList<WeightRequest> Plan(string part, ModelConfig shape, IReadOnlyDictionary<string, StoredWeight>? stored = null)
    {
        using var planned = new PlannedWeights(stored);
        _ = part switch
        {
            UNet => (object)new UNet2DConditionModel(shape.UNet, planned.Root),
            Vae => new AutoencoderKL(shape.Vae, planned.Root),
            _ => new ClipTextModel(Text(part, shape), planned.Root),
        };
        return planned.Requests;
    }

    private static bool IsTextEncoder(string part) => TextEncoders.Contains(part);

    private static ClipTextConfig Text(string part, ModelConfig shape) => shape.TextEncoders[part == TextEncoder ? 0 : 1];

    /// <summary>Whether a tensor can be ignored: old writers store the numbers 0…76 as a buffer.</summary>
    public static bool MayIgnore(string name) => name.EndsWith("embeddings.position_ids", StringComparison.Ordinal);
}
