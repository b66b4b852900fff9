using PromptToPrompt.Diffusion.Autoencoder;
using PromptToPrompt.Diffusion.TextEncoders;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Weights;

namespace PromptToPrompt.Diffusion.Checkpoints;

/// <summary>The parts of a model that have weights, by the names of their folders.</summary>
internal static class ModelParts
{
    public const string TextEncoder = "text_encoder";
    public const string UNet = "unet";
    public const string Vae = "vae";
    public const string Scheduler = "scheduler";

    /// <summary>The parts with weights, in the order they are loaded.</summary>
    public static IReadOnlyList<string> All { get; } = [TextEncoder, UNet, Vae];

    /// <summary>The parts with a config.</summary>
    public static IReadOnlyList<string> Configured { get; } = [.. All, Scheduler];

    /// <summary>Name of a part's config in its folder.</summary>
    public static string ConfigFile(string part) => part == Scheduler ? "scheduler_config.json" : "config.json";

    /// <summary>Name of a part's weights in its folder.</summary>
    public static string WeightsFile(string part) => part == TextEncoder ? "model.safetensors" : "diffusion_pytorch_model.safetensors";

    /// <summary>Everything a part of this shape asks for.</summary>
    /// <param name="part">The part.</param>
    /// <param name="shape">The model's shape.</param>
    /// <param name="stored">What there is, which decides between names and shapes that differ between writers.</param>
    public static IReadOnlyList<WeightRequest> Plan(string part, ModelShape shape, IReadOnlyDictionary<string, StoredWeight>? stored = null)
    {
        using var planned = new PlannedWeights(stored);
        _ = part switch
        {
            TextEncoder => (object)new ClipTextModel(shape.TextEncoder, planned.Root),
            UNet => new UNet2DConditionModel(shape.UNet, planned.Root),
            _ => new AutoencoderKL(shape.Vae, planned.Root),
        };
        return planned.Requests;
    }

    /// <summary>Whether a tensor is one that old writers add and nobody needs: the numbers 0…76, stored as a buffer.</summary>
    public static bool MayIgnore(string name) => name.EndsWith("embeddings.position_ids", StringComparison.Ordinal);
}
