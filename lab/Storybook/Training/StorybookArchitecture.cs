using System.Text.Json;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;

namespace PromptToPrompt.Storybook.Training;

/// <summary>The configs that the embedded models share: Stable Diffusion's architecture, small enough to be trained on a desktop computer.</summary>
internal static class StorybookArchitecture
{
    /// <summary>Number of merges of its tokenizer: enough to make every word of the drawn world a single token.</summary>
    public const int Merges = 900;

    /// <summary>Config of the text encoder.</summary>
    public static ClipTextConfig TextEncoder(int vocabulary, int width) => new()
    {
        VocabularySize = vocabulary,
        HiddenSize = width,
        IntermediateSize = 4 * width,
        Heads = 4,
        Layers = 2,
        MaxLength = 77,
        QuickGelu = true,
        NormEpsilon = 1e-5,
    };

    /// <summary>Config of the U-Net: attention at 16×16, 8×8 and, in the middle, 4×4.</summary>
    /// <param name="latentChannels">Channels of the latents.</param>
    /// <param name="width">Channels at 16×16.</param>
    /// <param name="widths">Channels at 8×8 and 4×4.</param>
    public static UNetConfig UNet(int latentChannels, int width, int widths) => new()
    {
        InChannels = latentChannels,
        OutChannels = latentChannels,
        Levels = [new(width, 4, true, true, 1), new(widths, 4, true, true, 1), new(widths, 4, false, false, 1)],
        LayersPerBlock = 1,
        CrossAttentionDim = 128,
        NormGroups = 16,
        NormEpsilon = 1e-5,
        LinearProjection = true,
        CosineFirst = true,
        FrequencyShift = 0,
        SampleSize = 16,
    };

    /// <summary>Writes the configs of a model directory in the diffusers layout.</summary>
    public static void WriteConfigs(string directory, TrainingRecipe recipe, int vocabulary, double scalingFactor)
    {
        var (vae, unet, text) = (recipe.Vae, recipe.UNet, recipe.TextEncoder(vocabulary));
        Write(directory, "model_index.json", new
        {
            _class_name = "StableDiffusionPipeline",
            scheduler = new[] { "diffusers", "DDIMScheduler" },
            text_encoder = new[] { "transformers", "CLIPTextModel" },
            tokenizer = new[] { "transformers", "CLIPTokenizer" },
            unet = new[] { "diffusers", "UNet2DConditionModel" },
            vae = new[] { "diffusers", "AutoencoderKL" },
            requires_safety_checker = false,
        });
        Write(directory, "scheduler/scheduler_config.json", new
        {
            _class_name = "DDIMScheduler",
            beta_start = 0.00085,
            beta_end = 0.012,
            beta_schedule = "scaled_linear",
            num_train_timesteps = 1000,
            clip_sample = false,
            set_alpha_to_one = false,
            steps_offset = 1,
            prediction_type = "epsilon",
            timestep_spacing = "leading",
        });
        Write(directory, "vae/config.json", new
        {
            _class_name = "AutoencoderKL",
            act_fn = "silu",
            in_channels = vae.InChannels,
            out_channels = vae.InChannels,
            latent_channels = vae.LatentChannels,
            block_out_channels = vae.Channels,
            layers_per_block = vae.LayersPerBlock,
            norm_num_groups = vae.NormGroups,
            scaling_factor = scalingFactor,
            sample_size = recipe.ImageSide,
            down_block_types = Enumerable.Repeat("DownEncoderBlock2D", vae.Channels.Count),
            up_block_types = Enumerable.Repeat("UpDecoderBlock2D", vae.Channels.Count),
        });
        Write(directory, "text_encoder/config.json", new
        {
            architectures = new[] { "CLIPTextModel" },
            model_type = "clip_text_model",
            vocab_size = vocabulary,
            hidden_size = text.HiddenSize,
            intermediate_size = text.IntermediateSize,
            num_attention_heads = text.Heads,
            num_hidden_layers = text.Layers,
            max_position_embeddings = text.MaxLength,
            hidden_act = "quick_gelu",
            layer_norm_eps = text.NormEpsilon,
            projection_dim = text.HiddenSize,
        });
        Write(directory, "unet/config.json", new
        {
            _class_name = "UNet2DConditionModel",
            act_fn = "silu",
            in_channels = unet.InChannels,
            out_channels = unet.OutChannels,
            block_out_channels = unet.Levels.Select(l => l.Channels),
            layers_per_block = unet.LayersPerBlock,
            attention_head_dim = unet.Levels.Select(l => l.Heads),
            cross_attention_dim = unet.CrossAttentionDim,
            down_block_types = unet.Levels.Select(l => l.DownAttention ? "CrossAttnDownBlock2D" : "DownBlock2D"),
            up_block_types = unet.Levels.Reverse().Select(l => l.UpAttention ? "CrossAttnUpBlock2D" : "UpBlock2D"),
            norm_num_groups = unet.NormGroups,
            norm_eps = unet.NormEpsilon,
            use_linear_projection = unet.LinearProjection,
            flip_sin_to_cos = unet.CosineFirst,
            freq_shift = unet.FrequencyShift,
            sample_size = unet.SampleSize,
        });
    }

    private static void Write(string directory, string name, object value)
    {
        var path = Path.Combine(directory, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, value, new JsonSerializerOptions { WriteIndented = true }));
    }
}
