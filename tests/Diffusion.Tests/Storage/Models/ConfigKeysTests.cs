using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>Nothing in a config is passed over in silence: a key is followed, refused, noted, or known to change nothing.</summary>
public sealed class ConfigKeysTests : IDisposable
{
    // What the library of the format takes, with its defaults.
    private const string UNetKeys = """
        {"sample_size":64,"in_channels":4,"out_channels":4,"center_input_sample":false,"flip_sin_to_cos":true,"freq_shift":0,"mid_block_type":"UNetMidBlock2DCrossAttn",
        "down_block_types":["CrossAttnDownBlock2D","DownBlock2D"],"up_block_types":["UpBlock2D","CrossAttnUpBlock2D"],"only_cross_attention":false,"block_out_channels":[32,64],
        "layers_per_block":2,"downsample_padding":1,"mid_block_scale_factor":1,"dropout":0.0,"act_fn":"silu","norm_num_groups":32,"norm_eps":1e-5,"cross_attention_dim":1280,
        "transformer_layers_per_block":1,"reverse_transformer_layers_per_block":null,"encoder_hid_dim":null,"encoder_hid_dim_type":null,"attention_head_dim":8,"num_attention_heads":null,
        "dual_cross_attention":false,"use_linear_projection":false,"class_embed_type":null,"addition_embed_type":null,"addition_time_embed_dim":null,"num_class_embeds":null,
        "upcast_attention":false,"resnet_time_scale_shift":"default","resnet_skip_time_act":false,"resnet_out_scale_factor":1.0,"time_embedding_type":"positional","time_embedding_dim":null,
        "time_embedding_act_fn":null,"timestep_post_act":null,"time_cond_proj_dim":null,"conv_in_kernel":3,"conv_out_kernel":3,"projection_class_embeddings_input_dim":null,
        "attention_type":"default","class_embeddings_concat":false,"mid_block_only_cross_attention":null,"cross_attention_norm":null,"addition_embed_type_num_heads":64,
        "_class_name":"UNet2DConditionModel","_diffusers_version":"0.30.0"}
        """;

    private const string VaeKeys = """
        {"in_channels":3,"out_channels":3,"down_block_types":["DownEncoderBlock2D"],"up_block_types":["UpDecoderBlock2D"],"block_out_channels":[64],"layers_per_block":1,"act_fn":"silu",
        "latent_channels":4,"norm_num_groups":32,"sample_size":32,"scaling_factor":0.18215,"shift_factor":null,"latents_mean":null,"latents_std":null,"force_upcast":true,
        "use_quant_conv":true,"use_post_quant_conv":true,"mid_block_add_attention":true,"_class_name":"AutoencoderKL"}
        """;

    private const string TextKeys = """
        {"vocab_size":49408,"hidden_size":512,"intermediate_size":2048,"projection_dim":512,"num_hidden_layers":12,"num_attention_heads":8,"max_position_embeddings":77,
        "hidden_act":"quick_gelu","layer_norm_eps":1e-5,"attention_dropout":0.0,"initializer_range":0.02,"initializer_factor":1.0,"pad_token_id":1,"bos_token_id":49406,"eos_token_id":49407,
        "model_type":"clip_text_model","architectures":["CLIPTextModel"],"torch_dtype":"float32","dtype":"float32","transformers_version":"5.0","dropout":0.0,"text_config":null}
        """;

    private const string SchedulerKeys = """
        {"_class_name":"EulerDiscreteScheduler","num_train_timesteps":1000,"beta_start":0.0001,"beta_end":0.02,"beta_schedule":"linear","trained_betas":null,"clip_sample":false,
        "set_alpha_to_one":null,"steps_offset":0,"prediction_type":"epsilon","thresholding":false,"dynamic_thresholding_ratio":0.995,"clip_sample_range":1.0,"sample_max_value":1.0,
        "timestep_spacing":null,"rescale_betas_zero_snr":false,"skip_prk_steps":null,"solver_order":2,"algorithm_type":"dpmsolver++","solver_type":"midpoint","lower_order_final":true,
        "euler_at_final":false,"use_karras_sigmas":false,"use_exponential_sigmas":false,"use_beta_sigmas":false,"use_lu_lambdas":false,"use_flow_sigmas":false,"flow_shift":1.0,
        "final_sigmas_type":"zero","lambda_min_clipped":null,"variance_type":null,"interpolation_type":"linear","sigma_min":null,"sigma_max":null,"timestep_type":"discrete",
        "original_inference_steps":50,"timestep_scaling":10.0,"use_dynamic_shifting":false,"time_shift_type":"exponential","predict_epsilon":true}
        """;

    // By what they are, not by what the program says they are: training, bookkeeping, precision, the tokenizer's business, settings of what is off.
    private static readonly string[] Harmless =
    [
        "dropout", "attention_dropout", "initializer_range", "initializer_factor", "_diffusers_version", "transformers_version", "torch_dtype", "dtype", "upcast_attention", "force_upcast", "sample_size", "architectures",
        "pad_token_id", "bos_token_id", "projection_dim", "addition_embed_type_num_heads", "addition_time_embed_dim", "projection_class_embeddings_input_dim",
        "dynamic_thresholding_ratio", "sample_max_value", "flow_shift", "time_shift_type",
    ];

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "1", "2", "7", "64", "0.5", "-3", "1e9", "\"\"", "\"other\"", "\"learned_range\"", "\"sigma_min\"", "\"continuous\"", "\"UNetMidBlock2D\"",
        "[]", "[1]", "[0.1, 0.2, 0.3, 0.4]", "[[1, 2]]", "[\"other\"]", "{}", "{\"a\": 1}",
    ];

    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData(ModelParts.UNet, UNetKeys)]
    [InlineData(ModelParts.Vae, VaeKeys)]
    [InlineData(ModelParts.TextEncoder, TextKeys)]
    [InlineData(ModelParts.Scheduler, SchedulerKeys)]
    public void EveryKeyIsFollowedRefusedNotedOrHarmless(string part, string keys)
    {
        var defaults = JsonNode.Parse(keys)!.AsObject();
        var (usual, quiet) = Read(part, keys);
        Assert.Empty(quiet);
        string[] names = [.. defaults.Select(field => field.Key), "a_key_of_next_year", "_another"];
        Gen.Select(Gen.Int[0, names.Length - 1].Select(i => names[i]), Gen.Int[0, Values.Length - 1].Select(i => Values[i])).Sample((key, value) =>
        {
            var config = JsonNode.Parse(keys)!.AsObject();
            config[key] = JsonNode.Parse(value);
            var error = default(InvalidInputException);
            (string Parsed, IReadOnlyList<string> Notes) found = ("", []);
            try
            {
                found = Read(part, config.ToJsonString());
            }
            catch (InvalidInputException e)
            {
                error = e;
            }

            var isSaid = (error?.Message ?? string.Join(' ', found.Notes)).Contains(key, StringComparison.Ordinal);
            // Latents' mean and deviation go together; a mismatch of levels names one of the two lists.
            isSaid |= error is not null && (key is "latents_mean" or "latents_std" || key.EndsWith("block_types", StringComparison.Ordinal) || key is "block_out_channels" or "latent_channels" or "norm_num_groups" or "addition_embed_type" or "num_attention_heads" or "hidden_size" or "num_train_timesteps");
            var isDefault = JsonNode.DeepEquals(config[key], defaults[key]) || (value is "null" && defaults[key]?.ToJsonString() is null or "false" or "0") || (value is "false" or "0" && defaults[key] is null);
            // Both are the last id.
            isDefault |= (key, value) is ("eos_token_id", "2");
            Assert.True(isSaid || isDefault || (error is null && (found.Parsed != usual || Harmless.Contains(key))), $"{part}: {key} = {value}: {error?.Message} {string.Join(' ', found.Notes)}");
        }, iter: 3000);
    }

    /// <summary>Configs as they are published have nothing that needs a note.</summary>
    [Theory]
    [InlineData(ModelParts.UNet, """{"_class_name":"UNet2DConditionModel","_diffusers_version":"0.19.0.dev0","act_fn":"silu","addition_embed_type":"text_time","addition_embed_type_num_heads":64,"addition_time_embed_dim":256,"attention_head_dim":[5,10,20],"block_out_channels":[320,640,1280],"center_input_sample":false,"class_embed_type":null,"class_embeddings_concat":false,"conv_in_kernel":3,"conv_out_kernel":3,"cross_attention_dim":2048,"cross_attention_norm":null,"down_block_types":["DownBlock2D","CrossAttnDownBlock2D","CrossAttnDownBlock2D"],"downsample_padding":1,"dual_cross_attention":false,"encoder_hid_dim":null,"encoder_hid_dim_type":null,"flip_sin_to_cos":true,"freq_shift":0,"in_channels":4,"layers_per_block":2,"mid_block_only_cross_attention":null,"mid_block_scale_factor":1,"mid_block_type":"UNetMidBlock2DCrossAttn","norm_eps":1e-05,"norm_num_groups":32,"num_attention_heads":null,"num_class_embeds":null,"only_cross_attention":false,"out_channels":4,"projection_class_embeddings_input_dim":2816,"resnet_out_scale_factor":1.0,"resnet_skip_time_act":false,"resnet_time_scale_shift":"default","sample_size":128,"time_cond_proj_dim":null,"time_embedding_act_fn":null,"time_embedding_dim":null,"time_embedding_type":"positional","timestep_post_act":null,"transformer_layers_per_block":[1,2,10],"up_block_types":["CrossAttnUpBlock2D","CrossAttnUpBlock2D","UpBlock2D"],"upcast_attention":null,"use_linear_projection":true}""")]
    [InlineData(ModelParts.TextEncoder, """{"_name_or_path":"openai/clip-vit-large-patch14","architectures":["CLIPTextModel"],"attention_dropout":0.0,"bos_token_id":0,"dropout":0.0,"eos_token_id":2,"hidden_act":"quick_gelu","hidden_size":768,"initializer_factor":1.0,"initializer_range":0.02,"intermediate_size":3072,"layer_norm_eps":1e-05,"max_position_embeddings":77,"model_type":"clip_text_model","num_attention_heads":12,"num_hidden_layers":12,"pad_token_id":1,"projection_dim":768,"torch_dtype":"float32","transformers_version":"4.22.0.dev0","vocab_size":49408}""")]
    [InlineData(ModelParts.Scheduler, """{"_class_name":"PNDMScheduler","_diffusers_version":"0.6.0","beta_end":0.012,"beta_schedule":"scaled_linear","beta_start":0.00085,"num_train_timesteps":1000,"set_alpha_to_one":false,"skip_prk_steps":true,"steps_offset":1,"trained_betas":null,"clip_sample":false}""")]
    [InlineData(ModelParts.Scheduler, """{"_class_name":"EulerDiscreteScheduler","_diffusers_version":"0.19.0.dev0","beta_end":0.012,"beta_schedule":"scaled_linear","beta_start":0.00085,"clip_sample":false,"interpolation_type":"linear","num_train_timesteps":1000,"prediction_type":"epsilon","sample_max_value":1.0,"set_alpha_to_one":false,"skip_prk_steps":true,"steps_offset":1,"timestep_spacing":"leading","trained_betas":null,"use_karras_sigmas":false}""")]
    [InlineData(ModelParts.Scheduler, """{"_class_name":"DPMSolverMultistepScheduler","algorithm_type":"dpmsolver++","beta_end":0.012,"beta_schedule":"scaled_linear","beta_start":0.00085,"dynamic_thresholding_ratio":0.995,"euler_at_final":false,"final_sigmas_type":"zero","lambda_min_clipped":-Infinity,"lower_order_final":true,"num_train_timesteps":1000,"prediction_type":"epsilon","rescale_betas_zero_snr":false,"sample_max_value":1.0,"solver_order":2,"solver_type":"midpoint","steps_offset":1,"thresholding":false,"timestep_spacing":"linspace","trained_betas":null,"use_karras_sigmas":true,"use_lu_lambdas":false,"variance_type":null}""")]
    public void PublishedConfigsNeedNoNote(string part, string config) => Assert.Empty(Read(part, config).Notes);

    /// <summary>Models that were trained for another kind of sampling are refused whatever samples them; others are sampled by another algorithm, which is said.</summary>
    [Theory]
    [InlineData("EDMEulerScheduler", false)]
    [InlineData("EDMDPMSolverMultistepScheduler", false)]
    [InlineData("CosineDPMSolverMultistepScheduler", false)]
    [InlineData("FlowMatchEulerDiscreteScheduler", false)]
    [InlineData("FlowMatchHeunDiscreteScheduler", false)]
    [InlineData("FlowMatchLCMScheduler", false)]
    [InlineData("CMStochasticIterativeScheduler", false)]
    [InlineData("VQDiffusionScheduler", false)]
    [InlineData("UniPCMultistepScheduler", true)]
    [InlineData("DEISMultistepScheduler", true)]
    [InlineData("KDPM2DiscreteScheduler", true)]
    [InlineData("KDPM2AncestralDiscreteScheduler", true)]
    [InlineData("HeunDiscreteScheduler", true)]
    [InlineData("LMSDiscreteScheduler", true)]
    [InlineData("DPMSolverSinglestepScheduler", true)]
    [InlineData("DPMSolverSDEScheduler", true)]
    [InlineData("DDPMScheduler", true)]
    [InlineData("TCDScheduler", true)]
    [InlineData("SchedulerOfNextYear", true)]
    public void OtherSchedulersAreReplacedOrRefusedByName(string name, bool isReplaced)
    {
        var text = $$"""{"_class_name":"{{name}}","beta_end":0.012,"beta_start":0.00085,"beta_schedule":"scaled_linear","solver_order":2,"solver_type":"bh2","predict_x0":true}""";
        if (!isReplaced)
        {
            Assert.Contains(name, Assert.Throws<InvalidInputException>(() => Read(ModelParts.Scheduler, text)).Message);
            return;
        }

        var config = SchedulerConfig.FromJson(JsonConfig.Parse("c", Encoding.UTF8.GetBytes(text)));
        Assert.Equal(SchedulerKind.Ddim, config.DefaultScheduler);
        Assert.Contains(name, config.Substitution);
        Assert.Contains("ddim", config.Substitution);
        foreach (var kind in Enum.GetValues<SchedulerKind>())
            config.CreateScheduler(kind, 4).Dispose();
    }

    [Fact]
    public void TheIndexNamesTheSchedulerToo()
    {
        var model = SmallModel.Write(folder["m"]);
        var (index, scheduler) = (Path.Combine(model, "model_index.json"), Path.Combine(model, "scheduler", "scheduler_config.json"));
        Change(index, config => config["scheduler"] = JsonNode.Parse("""["diffusers","EulerDiscreteScheduler"]"""));
        using (var files = ModelFiles.Open(model))
            Assert.Contains("EulerDiscreteScheduler", Assert.Single(files.Notes));
        Change(scheduler, config => config.Remove("_class_name"));
        using (var files = ModelFiles.Open(model))
        {
            Assert.Empty(files.Notes);
            Assert.Equal(SchedulerKind.Euler, files.Shape.Scheduler.DefaultScheduler);
        }

        Change(index, config => config["scheduler"] = JsonNode.Parse("""["diffusers","EDMEulerScheduler"]"""));
        Assert.Contains("EDMEulerScheduler", Assert.Throws<InvalidInputException>(() => ModelReport.Of(model)).Message);
    }

    [Fact]
    public void WhatIsNotUnderstoodIsANoteOfTheModelInEitherFormat()
    {
        var model = SmallModel.Write(folder["m"]);
        Change(Path.Combine(model, "unet", "config.json"), config => config["a_new_key"] = 5);
        Change(Path.Combine(model, "model_index.json"), config => config["another_part"] = "x");
        ModelConverter.ToSingleFile(model, folder["m.safetensors"], dtype: null);
        using var directory = StableDiffusionModel.Load(model);
        using var file = StableDiffusionModel.Load(folder["m.safetensors"], options: new() { Tokenizer = model });
        Assert.Contains(directory.Notes, note => note.Contains("a_new_key", StringComparison.Ordinal) && note.Contains('5'));
        Assert.Contains(directory.Notes, note => note.Contains("another_part", StringComparison.Ordinal));
        Assert.Contains("a_new_key", Assert.Single(file.Notes));
        Assert.Equal(directory.Notes, ModelReport.Of(model).Notes);
    }

    /// <summary>A U-Net without the block between its halves, as distilled ones are, has no weights for it, and the features go on as they are.</summary>
    [Fact]
    public void AUNetWithoutAMidBlockHasNone()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var shape = SmallModel.Shape with { UNet = SmallModel.Shape.UNet with { HasMidBlock = false } };
        var model = SmallModel.Write(folder["m"], shape);
        Assert.Contains("\"mid_block_type\": null", File.ReadAllText(Path.Combine(model, "unet", "config.json")));
        using var loaded = StableDiffusionModel.Load(model);
        Assert.False(loaded.Shape.UNet.HasMidBlock);
        Assert.DoesNotContain(ModelParts.Plan(ModelParts.UNet, shape), request => request.Name.StartsWith("mid_block", StringComparison.Ordinal));
        // With the block's additions zeroed, a U-Net that has it is the same.
        using var files = ModelFiles.Open(model);
        var stored = files.Weights(ModelParts.UNet).Tensors;
        using var generator = new Generator(3);
        var whole = ModelParts.Plan(ModelParts.UNet, SmallModel.Shape).ToDictionary(
            request => request.Name,
            request => stored.GetValueOrDefault(request.Name) ?? new PromptToPrompt.Diffusion.Storage.Weights.StoredWeight(request.Shape, () =>
                request.Name.Contains("conv2.", StringComparison.Ordinal) || request.Name.Contains("proj_out", StringComparison.Ordinal) ? zeros([.. request.Shape]) : randn([.. request.Shape], generator: generator)));
        using var weights = new PromptToPrompt.Diffusion.Storage.Weights.StoredWeights("whole", whole);
        var full = new UNet2DConditionModel(SmallModel.Shape.UNet, weights.Root);
        var (latents, text) = (randn(1, 4, 8, 8), new Conditioning(randn(1, 77, 32)));
        Assert.True(full.Forward(latents, tensor(new[] { 5L }), text).allclose(loaded.UNet.Forward(latents, tensor(new[] { 5L }), text), atol: 1e-5));
    }

    public void Dispose() => folder.Dispose();

    private static void Change(string path, Action<JsonObject> change)
    {
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
    }

    private static (string Parsed, IReadOnlyList<string> Notes) Read(string part, string text)
    {
        var json = JsonConfig.Parse("config.json", Encoding.UTF8.GetBytes(text));
        var parsed = part switch
        {
            ModelParts.UNet => JsonSerializer.Serialize(UNetConfig.FromJson(json)),
            ModelParts.Vae => JsonSerializer.Serialize(AutoencoderConfig.FromJson(json)),
            ModelParts.Scheduler => JsonSerializer.Serialize(SchedulerConfig.FromJson(json)),
            _ => JsonSerializer.Serialize(ClipTextConfig.FromJson(json)),
        };
        return (parsed, json.Notes);
    }
}
