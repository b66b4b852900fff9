using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

public sealed class SingleFileModelTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>The reference models as single files compute what the reference implementation computed with them.</summary>
    [Theory]
    [InlineData("tiny-sd15", "text", "sample_small", "eps_small", false)]
    [InlineData("tiny-sd21", "text_encoder", "sample", "out", true)]
    public void ReferenceModelsComputeTheSameFromASingleFile(string name, string prefix, string sample, string output, bool isOpenClip)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var path = folder["m.safetensors"];
        ModelConverter.ToSingleFile(Whole(name), path, dtype: null);
        using (var file = SafetensorsFile.Open(path))
        {
            Assert.Equal(isOpenClip, file.Tensors.ContainsKey("cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight"));
            Assert.Equal(4, file.Tensors["first_stage_model.decoder.mid.attn_1.q.weight"].Shape.Length);
        }

        using var model = StableDiffusionModel.Load(path, options: Given());

        var text = reference.Goldens("text");
        ReferenceModel.AssertClose(text, $"{prefix}.last_hidden_state", model.TextEncoders[0].Model.Forward(text.Read($"{prefix}.input_ids")));
        var unet = reference.Goldens("unet");
        var latents = unet.Read(sample);
        ReferenceModel.AssertClose(unet, $"{output}.t981", model.UNet.Forward(
            latents, tensor(new[] { 981L }), new Conditioning(unet.Read("encoder_hidden_states").slice(0, 0, latents.shape[0], 1))));
        var vae = reference.Goldens("vae");
        ReferenceModel.AssertClose(vae, "mean", model.Vae.Moments(vae.Read("pixel_values")).Mean);
        Assert.Equal(name == "tiny-sd21" ? PredictionType.VPrediction : PredictionType.Epsilon, model.SchedulerConfig.PredictionType);
    }

    [Fact]
    public void TheReferenceModelOfXlComputesTheSameFromASingleFile()
    {
        using var reference = new ReferenceModel("tiny-sdxl");
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var path = folder["m.safetensors"];
        var tokenizer = new ModelLoadOptions { Tokenizer = ReferenceModel.Folder("tiny-sd15") };
        ModelConverter.ToSingleFile(ReferenceModel.Folder("tiny-sdxl"), path, dtype: null, tokenizer);
        using (var file = SafetensorsFile.Open(path))
        {
            Assert.Equal([27, 9], file.Tensors["conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight"].Shape);
            Assert.Equal([9, 20], file.Tensors["conditioner.embedders.1.model.text_projection"].Shape);
        }

        using var model = StableDiffusionModel.Load(path, options: tokenizer);

        var text = reference.Goldens("text");
        for (var i = 0; i < 2; i++)
        {
            var part = ModelParts.TextEncoders[i];
            ReferenceModel.AssertClose(text, $"{part}.last_hidden_state", model.TextEncoders[i].Model.Forward(text.Read($"{part}.input_ids")));
        }

        var unet = reference.Goldens("unet");
        ReferenceModel.AssertClose(unet, "out.t981", model.UNet.Forward(
            unet.Read("sample"),
            tensor(new[] { 981L }),
            new Conditioning(unet.Read("encoder_hidden_states"), UNet2DConditionModel.Vector(model.Shape.UNet, unet.Read("text_embeds"), unet.Read("time_ids")))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ADirectoryOfASingleFileOfADirectoryHasTheSameWeights(bool isXl)
    {
        var shape = isXl ? SmallModel.XlShape : SmallModel.Shape;
        var first = SmallModel.Write(folder["first"], shape);
        ModelConverter.ToSingleFile(first, folder["m.safetensors"], dtype: null);
        ModelConverter.ToDirectory(folder["m.safetensors"], folder["second"], dtype: null, new() { Tokenizer = first });
        foreach (var part in ModelParts.Of(shape))
        {
            var name = Path.Combine(part, ModelParts.WeightsFile(part));
            Assert.Equal(File.ReadAllBytes(Path.Combine(first, name)), File.ReadAllBytes(Path.Combine(folder["second"], name)));
        }

        ModelConverter.ToDirectory(first, folder["half"], ScalarType.Float16);
        Assert.All(ModelReport.Of(folder["half"]).Parts, part => Assert.Equal(["float16"], part.Types));
        Assert.All(ModelCheck.Of(folder["half"]), part => Assert.True(part.IsSound));
    }

    /// <summary>Names and shapes of the published models, as they stand in single files: every one is found and fits.</summary>
    [Theory]
    [InlineData("1", 4)]
    [InlineData("1", 9)]
    [InlineData("2", 4)]
    [InlineData("2", 9)]
    [InlineData("XL", 4)]
    [InlineData("XL", 9)]
    public void PublishedModelsAreTakenWhole(string family, int channels)
    {
        var isSecond = family == "2";
        var shape = family == "XL" ? ModelConfig.StableDiffusionXl : isSecond ? ModelConfig.StableDiffusion21 : ModelConfig.StableDiffusion15;
        shape = shape with { UNet = shape.UNet with { InChannels = channels } };
        var tensors = Originals(shape);
        // What published files hold besides.
        tensors["model_ema.decay"] = Shaped();
        tensors["alphas_cumprod"] = Shaped(1000);
        tensors[isSecond ? "cond_stage_model.model.transformer.resblocks.23.ln_1.bias" : "cond_stage_model.transformer.text_model.embeddings.position_ids"] = Shaped(1024);
        if (isSecond)
            tensors["cond_stage_model.model.text_projection"] = Shaped(1024, 1024);
        if (family == "XL")
        {
            tensors["conditioner.embedders.0.transformer.text_model.embeddings.position_ids"] = Shaped(1, 77);
            tensors["conditioner.embedders.1.model.logit_scale"] = Shaped();
        }

        var layout = SingleFileLayout.Detect("f", tensors, noted: null)!;

        Assert.EndsWith(family, layout.Name);
        Assert.Equal(isSecond ? "!" : "<|endoftext|>", layout.Pad);
        Assert.Equal(shape.UNet.CrossAttentionDim, layout.Shape.UNet.CrossAttentionDim);
        Assert.Equal(channels, layout.Shape.UNet.InChannels);
        foreach (var part in ModelParts.Of(shape))
        {
            var found = tensors.Where(tensor => layout.PartOf(tensor.Key) == part)
                .SelectMany(tensor => layout.Tables[part].ToDiffusers(tensor.Key).Select(row => (row.Diffusers, KeyConversion.FromOriginal(row, tensor.Value).Shape)));
            Assert.Equal(
                ModelParts.Plan(part, shape).Select(request => $"{request.Name} {string.Join('x', request.Shape)}").Order(StringComparer.Ordinal),
                found.Select(tensor => $"{tensor.Diffusers} {string.Join('x', tensor.Shape)}").Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData("conditioner.embedders.0.model.ln_final.weight", "the refiner of Stable Diffusion XL")]
    [InlineData("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", "is a LoRA")]
    [InlineData("down_blocks.0.resnets.0.conv1.weight", "one part of a model directory")]
    [InlineData("joint_blocks.0.x_block.attn.qkv.weight", "not a Stable Diffusion checkpoint")]
    public void OtherFilesAreOneClearLine(string name, string expected) => Assert.Contains(expected, Refused(new() { [name] = ones(1) }));

    [Fact]
    public void WholePartsThatAreMissingAreNamed()
    {
        Assert.Contains("without a text encoder", Refused(new() { ["model.diffusion_model.input_blocks.0.0.weight"] = ones(320, 4, 3, 3) }));
        Assert.Contains("5 input channels", Refused(new() { ["model.diffusion_model.input_blocks.0.0.weight"] = ones(320, 5, 3, 3) }));
    }

    [Fact]
    public void AMissingTensorIsNamedAsTheFileWouldNameIt()
    {
        var path = Single(drop: "model.diffusion_model.input_blocks.2.0.op.weight", extra: "first_stage_model.decoder.up.9.block.0.conv1.weight");
        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(path, options: Given()));
        Assert.Contains("\"model.diffusion_model.input_blocks.2.0.op.weight\"", error.Message);
        var parts = ModelCheck.Of(path, Given()).ToDictionary(part => part.Part);
        Assert.Equal(["model.diffusion_model.input_blocks.2.0.op.weight"], parts[ModelParts.UNet].Missing);
        Assert.Equal(["first_stage_model.decoder.up.9.block.0.conv1.weight"], parts[ModelParts.Vae].Extra);
        Assert.True(parts[ModelParts.TextEncoder].IsSound);
        Assert.Throws<InvalidInputException>(() => ModelConverter.ToDirectory(path, folder["d"], null, Given()));
    }

    [Fact]
    public void AMissingTokenizerIsOneClearLine()
    {
        var path = Single();
        var cache = folder["cache"];
        var options = new ModelLoadOptions { Environment = name => name == "HF_HUB_CACHE" ? cache : null };
        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.LoadTokenizer(path, options));
        Assert.Equal("Tokenizer", error.Setting);
        Assert.Contains(cache, error.Message);
        SmallModel.WriteTokenizer(Path.Combine(cache, "models--openai--clip-vit-large-patch14", "snapshots", "0123"));
        Assert.Equal(SmallModel.Tokens, StableDiffusionModel.LoadTokenizer(path, options).VocabularySize);
        Assert.Throws<InvalidInputException>(() => StableDiffusionModel.LoadTokenizer(path, new() { Tokenizer = folder["nothing"] }));
        Assert.Throws<InvalidInputException>(() => StableDiffusionModel.LoadTokenizer(path, new() { Variant = "fp16" }));
    }

    [Fact]
    public void WhatTheNetworkPredictsIsLookedForInThisOrder()
    {
        Assert.Equal(PredictionType.VPrediction, Clue([]).Prediction);
        Assert.Equal(PredictionType.Epsilon, Clue([], isInpainting: true).Prediction);
        Assert.Equal(PredictionType.Epsilon, Clue(new() { ["global_step"] = "875000" }).Prediction);
        File.WriteAllText(folder["m.yaml"], "model:\n  params:\n    parameterization: \"v\"\n");
        Assert.Equal(PredictionType.VPrediction, Clue([], PredictionType.Epsilon).Prediction);
        File.WriteAllText(folder["m.yaml"], "model:\n  params:\n    # parameterization: v\n");
        Assert.Equal(PredictionType.Epsilon, Clue([]).Prediction);
        Assert.Equal(PredictionType.VPrediction, Clue(new() { ["modelspec.prediction_type"] = "v" }).Prediction);
    }

    public void Dispose() => folder.Dispose();

    private static StoredWeight Shaped(params long[] shape) => new(shape, () => empty(shape, device: META));

    private static Dictionary<string, StoredWeight> Originals(ModelConfig shape)
    {
        var tables = SingleFileLayout.Of(shape).Tables;
        return ModelParts.Of(shape).SelectMany(part => ModelParts.Plan(part, shape)
                .Select(request => (Row: tables[part].ToOriginal(request.Name)!, Stored: Shaped([.. request.Shape])))
                .GroupBy(tensor => tensor.Row.Original))
            .ToDictionary(group => group.Key, group => KeyConversion.ToOriginal(group.Key, [.. group]));
    }

    /// <summary>A reference model with the parts that its folder lacks.</summary>
    private string Whole(string name)
    {
        var shape = name == "tiny-sd21" ? ModelConfig.StableDiffusion21 : ModelConfig.StableDiffusion15;
        var writer = new ModelDirectoryWriter(folder["model"]);
        foreach (var part in ModelParts.Of(shape))
        {
            writer.MakeFolder(part);
            foreach (var file in Directory.EnumerateFiles(Path.Combine(ReferenceModel.Folder(name), part)))
                File.Copy(file, Path.Combine(folder["model"], part, Path.GetFileName(file)));
        }

        writer.WriteConfig(ModelParts.Scheduler, shape.Scheduler.ToJson());
        SmallModel.WriteTokenizer(Path.Combine(folder["model"], TokenizerFolder.Name));
        writer.WriteIndex(shape);
        return folder["model"];
    }

    private PredictionClue Clue(Dictionary<string, string> notes, PredictionType family = PredictionType.VPrediction, bool isInpainting = false) =>
        PredictionClue.Find(folder["m.safetensors"], new StoredTensors("m", [], new Dictionary<string, StoredWeight>(), notes, []), family, isInpainting);

    private ModelLoadOptions Given() => new() { Tokenizer = folder["model"] };

    private string Single(string? drop = null, string? extra = null)
    {
        SmallModel.Write(folder["model"]);
        ModelConverter.ToSingleFile(folder["model"], folder["whole.safetensors"], dtype: null);
        using var scope = NewDisposeScope();
        using var whole = SafetensorsFile.Open(folder["whole.safetensors"]);
        var tensors = whole.Tensors.Keys.Where(name => name != drop).ToDictionary(name => name, whole.Read);
        if (extra is not null)
            tensors.Add(extra, ones(1));
        SafetensorsWriter.Write(folder["single.safetensors"], tensors, whole.Metadata);
        return folder["single.safetensors"];
    }

    private string Refused(Dictionary<string, Tensor> tensors)
    {
        SafetensorsWriter.Write(folder["x.safetensors"], tensors);
        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(folder["x.safetensors"]));
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }
}
