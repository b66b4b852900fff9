using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using PromptToPrompt.Diffusion.Tests.Storage.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Adapters;

public sealed class LoraTests(SmallModels models) : IClassFixture<SmallModels>, IDisposable
{
    private const string Query = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    private const string Output = "up_blocks.0.attentions.1.transformer_blocks.1.attn2.to_out.0";
    private const string Convolution = "mid_block.resnets.0.conv1";
    private const string Text = "text_model.encoder.layers.0.self_attn.q_proj";
    private const string TextOutput = "text_model.encoder.layers.0.self_attn.out_proj";
    private const string Mlp = "text_model.encoder.layers.0.mlp.fc1";
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator random = new(7);

    /// <summary>What the tools call a weight of the U-Net, or of the text encoder.</summary>
    [Theory]
    [InlineData("unet", Query, "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q", ".lora_down.weight", ".lora_up.weight")]
    [InlineData("unet", Query, "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q", ".lora_down.weight", ".lora_up.weight")]
    [InlineData("unet", Query, "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", ".lora_A.weight", ".lora_B.weight")]
    [InlineData("unet", Query, "base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", ".lora_A.weight", ".lora_B.weight")]
    [InlineData("unet", Query, "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q", "_lora.down.weight", "_lora.up.weight")]
    [InlineData("unet", Query, "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", ".lora.down.weight", ".lora.up.weight")]
    [InlineData("unet", Output, "unet.up_blocks.0.attentions.1.transformer_blocks.1.attn2.processor.to_out", "_lora.down.weight", "_lora.up.weight")]
    [InlineData("unet", Output, "lora_unet_up_blocks_0_attentions_1_transformer_blocks_1_attn2_to_out_0", ".lora_down.weight", ".lora_up.weight")]
    [InlineData("unet", Convolution, "lora_unet_mid_block_resnets_0_conv1", ".lora_down.weight", ".lora_up.weight")]
    [InlineData("unet", Convolution, "lora_unet_middle_block_0_in_layers_2", ".lora_down.weight", ".lora_up.weight")]
    [InlineData("text_encoder", Text, "lora_te_text_model_encoder_layers_0_self_attn_q_proj", ".lora_down.weight", ".lora_up.weight")]
    [InlineData("text_encoder", Text, "text_encoder.text_model.encoder.layers.0.self_attn.q_proj", ".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight")]
    [InlineData("text_encoder", TextOutput, "text_encoder.text_model.encoder.layers.0.self_attn.to_out", "_lora.down.weight", "_lora.up.weight")]
    [InlineData("text_encoder", Mlp, "lora_te_text_model_encoder_layers_0_mlp_fc1", ".lora_down.weight", ".lora_up.weight")]
    public void AWeightGetsItsChangeWhateverTheToolCallsIt(string part, string weight, string module, string down, string up)
    {
        var model = models.Plain;
        var before = Weights(model);
        var shape = before[$"{part}/{weight}.weight"].shape;
        var (narrow, wide) = Factors(shape, rank: 3);
        Save("l.safetensors", (module + down, narrow), (module + up, wide), (module + ".alpha", tensor(6f)));

        var after = Weights(model, new Lora(folder["l.safetensors"], 0.5));

        // 0.5 · alpha / rank = 1.
        var expected = before[$"{part}/{weight}.weight"] + wide.flatten(1).matmul(narrow.flatten(1)).reshape(shape);
        Assert.True(expected.allclose(after[$"{part}/{weight}.weight"], atol: 1e-6));
        Assert.All(before.Where(tensor => tensor.Key != $"{part}/{weight}.weight"), tensor => Assert.True(tensor.Value.Equals(after[tensor.Key]), tensor.Key));
    }

    [Fact]
    public void TheTwoTextEncodersOfXlAreToldApart()
    {
        var model = models.Xl;
        var before = Weights(model);
        var (first, second) = (Factors(before[$"text_encoder/{Text}.weight"].shape, 2), Factors(before[$"text_encoder_2/{Text}.weight"].shape, 2));
        Save(
            "kohya.safetensors",
            ("lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", first.Down),
            ("lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight", first.Up),
            ("lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", second.Down),
            ("lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight", second.Up));
        Save(
            "peft.safetensors",
            ($"text_encoder.{Text}.lora_A.weight", first.Down), ($"text_encoder.{Text}.lora_B.weight", first.Up),
            ($"text_encoder_2.{Text}.lora_A.weight", second.Down), ($"text_encoder_2.{Text}.lora_B.weight", second.Up));

        foreach (var file in new[] { "kohya.safetensors", "peft.safetensors" })
        {
            var after = Weights(model, new Lora(folder[file]));
            Assert.True((before[$"text_encoder/{Text}.weight"] + first.Up.matmul(first.Down)).allclose(after[$"text_encoder/{Text}.weight"], atol: 1e-6));
            Assert.True((before[$"text_encoder_2/{Text}.weight"] + second.Up.matmul(second.Down)).allclose(after[$"text_encoder_2/{Text}.weight"], atol: 1e-6));
        }
    }

    [Fact]
    public void SeveralAreAddedWithTheirWeights()
    {
        var model = models.Plain;
        var before = Weights(model)[$"unet/{Query}.weight"];
        var (one, two) = (Factors(before.shape, 2), Factors(before.shape, 4));
        Save("one.safetensors", ($"unet.{Query}.lora_A.weight", one.Down.to(ScalarType.Float16)), ($"unet.{Query}.lora_B.weight", one.Up.to(ScalarType.Float16)));
        Save("two.safetensors", ($"unet.{Query}.lora_A.weight", two.Down), ($"unet.{Query}.lora_B.weight", two.Up));

        var after = Weights(model, new Lora(folder["one.safetensors"], 0.7), new Lora(folder["two.safetensors"], -0.2))[$"unet/{Query}.weight"];

        var expected = before + (0.7 * one.Up.matmul(one.Down)) - (0.2 * two.Up.matmul(two.Down));
        Assert.True(expected.allclose(after, rtol: 1e-3, atol: 1e-3));
    }

    [Fact]
    public void AlphaInTheFilesNotesCounts()
    {
        var before = Weights(models.Plain)[$"unet/{Query}.weight"];
        var (down, up) = Factors(before.shape, 4);
        SafetensorsWriter.Write(
            folder["l.safetensors"],
            new Dictionary<string, Tensor> { [$"unet.{Query}.lora_A.weight"] = down, [$"unet.{Query}.lora_B.weight"] = up },
            new Dictionary<string, string> { ["lora_adapter_metadata"] = """{"unet.r": 4, "unet.lora_alpha": 8, "unet.use_rslora": false}""" });

        var after = Weights(models.Plain, new Lora(folder["l.safetensors"]))[$"unet/{Query}.weight"];

        Assert.True((before + (2 * up.matmul(down))).allclose(after, rtol: 1e-4, atol: 1e-5));
    }

    [Theory]
    [InlineData("""{"unet.lora_alpha": 8, "unet.use_rslora": true}""", 4)]
    [InlineData("""{"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_q": 12}}""", 3)]
    [InlineData("""{"unet.lora_alpha": 8, "unet.alpha_pattern": {"^down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q": 12}}""", 3)]
    [InlineData("""{"unet.lora_alpha": 8, "unet.alpha_pattern": {"n1.to_q": 12, "^attn1.to_q": 12}}""", 2)]
    public void OtherSettingsInTheFilesNotesCount(string notes, double scale)
    {
        var before = Weights(models.Plain)[$"unet/{Query}.weight"];
        var (down, up) = Factors(before.shape, 4);
        SafetensorsWriter.Write(
            folder["l.safetensors"],
            new Dictionary<string, Tensor> { [$"unet.{Query}.lora_A.weight"] = down, [$"unet.{Query}.lora_B.weight"] = up },
            new Dictionary<string, string> { ["lora_adapter_metadata"] = notes });

        var after = Weights(models.Plain, new Lora(folder["l.safetensors"]))[$"unet/{Query}.weight"];

        Assert.True((before + (scale * up.matmul(down))).allclose(after, rtol: 1e-4, atol: 1e-5));
    }

    [Theory]
    [InlineData("""{"unet.alpha_pattern": {".*to_q": 12}}""", "not the name of a layer")]
    [InlineData("""{"unet.alpha_pattern": {"to_q": "12"}}""", "must be a number")]
    [InlineData("""{"unet.lora_alpha": 1e999}""", "must be a number")]
    [InlineData("{", "not valid JSON")]
    public void NotesThatCannotBeFollowedAreOneClearLine(string notes, string expected)
    {
        SafetensorsWriter.Write(
            folder["l.safetensors"],
            new Dictionary<string, Tensor> { [$"unet.{Query}.lora_A.weight"] = Numbers(2, 32), [$"unet.{Query}.lora_B.weight"] = Numbers(32, 2) },
            new Dictionary<string, string> { ["lora_adapter_metadata"] = notes });
        Refused(models.Plain, expected);
    }

    [Fact]
    public void WeightsThatAreNoNumbersAreRefused()
    {
        var damaged = Numbers(2, 32);
        damaged[1, 7] = float.NaN;
        Save("l.safetensors", ($"unet.{Query}.lora_A.weight", damaged), ($"unet.{Query}.lora_B.weight", Numbers(32, 2)));
        Refused(models.Plain, "NaN");
        Save("l.safetensors", ($"unet.{Query}.lora_A.weight", ones(2, 32, dtype: ScalarType.Int8)), ($"unet.{Query}.lora_B.weight", Numbers(32, 2)));
        Refused(models.Plain, "Int8");
    }

    [Fact]
    public void AConvolutionBetweenTheTwoIsTaken()
    {
        var model = models.Plain;
        var before = Weights(model)[$"unet/{Convolution}.weight"];
        var (outputs, inputs) = (before.shape[0], before.shape[1]);
        var (down, mid, up) = (Numbers(2, inputs, 1, 1), Numbers(2, 2, 3, 3), Numbers(outputs, 2, 1, 1));
        const string Module = "lora_unet_mid_block_resnets_0_conv1";
        Save("l.safetensors", ($"{Module}.lora_down.weight", down), ($"{Module}.lora_mid.weight", mid), ($"{Module}.lora_up.weight", up));

        var after = Weights(model, new Lora(folder["l.safetensors"]))[$"unet/{Convolution}.weight"];

        // What the three convolutions do one after another.
        var x = Numbers(1, inputs, 5, 5);
        var expected = nn.functional.conv2d(x, before) + nn.functional.conv2d(nn.functional.conv2d(nn.functional.conv2d(x, down), mid), up);
        Assert.True(expected.allclose(nn.functional.conv2d(x, after), rtol: 1e-3, atol: 1e-4));
    }

    [Fact]
    public void TheModelComputesWithItAndIsAnother()
    {
        var model = models.Plain;
        var (down, up) = Factors([32, 32], 2);
        Save("l.safetensors", ($"unet.{Query}.lora_A.weight", down), ($"unet.{Query}.lora_B.weight", up));
        ModelConverter.ToDirectory(model, folder["merged"], ScalarType.Float32, Options(new Lora(folder["l.safetensors"], 0.5)));

        using var plain = StableDiffusionModel.Load(model);
        using var changed = StableDiffusionModel.Load(model, options: Options(new Lora(folder["l.safetensors"], 0.5)));
        using var stronger = StableDiffusionModel.Load(model, options: Options(new Lora(folder["l.safetensors"], 0.6)));
        using var merged = StableDiffusionModel.Load(folder["merged"]);

        Assert.Equal(3, new[] { plain, changed, stronger }.Select(each => each.Fingerprint).Distinct().Count());
        var prompt = TextConditioning.Encode(plain, [plain.Tokenizer.Tokenize("a cat")]);
        var latents = Numbers(1, 4, 8, 8);
        Assert.True(Predict(changed).allclose(Predict(merged), atol: 1e-5));
        Assert.False(Predict(changed).allclose(Predict(plain), atol: 1e-4));

        Tensor Predict(StableDiffusionModel each) => each.UNet.Forward(latents, tensor(new[] { 500L }), prompt);
    }

    [Fact]
    public void ASingleFileIsChangedAsItsDirectory()
    {
        var model = models.Xl;
        ModelConverter.ToSingleFile(model, folder["m.safetensors"], dtype: null);
        var (down, up) = Factors([32, 32], 2);
        Save("l.safetensors", ($"text_encoder_2.{Text}.lora_A.weight", down), ($"text_encoder_2.{Text}.lora_B.weight", up));
        var directory = Weights(model, new Lora(folder["l.safetensors"]));
        var file = Weights(folder["m.safetensors"], new Lora(folder["l.safetensors"]));
        Assert.All(directory, tensor => Assert.True(tensor.Value.Equals(file[tensor.Key]), tensor.Key));
    }

    [Theory]
    [InlineData("lora_unet_down_blocks_7_attentions_0_proj_in.lora_down.weight", "lora_unet_down_blocks_7_attentions_0_proj_in\", which")]
    [InlineData("lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", "another type of model")]
    [InlineData("lora_unet_mid_block_resnets_0_conv1.oft_blocks", "OFT")]
    [InlineData("lora_unet_mid_block_resnets_0_conv1.on_input", "IA3")]
    [InlineData("conv_in.weight", "not part of a LoRA")]
    [InlineData("lora_unet_mid_block_resnets_0_conv2.lora_down.weight", "only a part")]
    public void FilesThatDoNotFitAreOneClearLine(string name, string expected)
    {
        var model = models.Plain;
        Save("l.safetensors", ($"unet.{Query}.lora_A.weight", Numbers(2, 32)), ($"unet.{Query}.lora_B.weight", Numbers(32, 2)), (name, Numbers(2, 32)));
        Refused(model, expected);
    }

    [Fact]
    public void OtherShapesAndOtherFilesAreRefused()
    {
        var model = models.Plain;
        Save("l.safetensors", ($"unet.{Query}.lora_A.weight", Numbers(2, 48)), ($"unet.{Query}.lora_B.weight", Numbers(48, 2)));
        Refused(model, "[48, 2] times [2, 48]");
        Save("l.safetensors", ($"unet.{Query}.lora_A.weight", Numbers(2, 32)), ($"unet.{Query}.lora_B.weight", Numbers(32, 3)));
        Refused(model, "[32, 3] times [2, 32]");
        Save("l.safetensors", ("conv_in.weight", Numbers(2, 32)));
        Refused(model, "contains no LoRA");
        Save("l.safetensors",
            ($"unet.{Query}.lora_A.weight", Numbers(2, 32)), ($"unet.{Query}.lora_B.weight", Numbers(32, 2)),
            ($"{Query}.lora_A.weight", Numbers(2, 32)), ($"{Query}.lora_B.weight", Numbers(32, 2)));
        Refused(model, "twice");
    }

    /// <summary>Every weight of the published models that a LoRA may change has a name in each spelling, and no two share one.</summary>
    [Theory]
    [InlineData("sd15.unet", false)]
    [InlineData("sdxl.unet", true)]
    public void EveryPublishedWeightIsFoundByItsFlattenedName(string manifest, bool isXl)
    {
        var shape = isXl ? ModelConfig.StableDiffusionXl : ModelConfig.StableDiffusion15;
        var weights = Manifest.Read(manifest).Shapes.Keys.Where(name => name.EndsWith(".weight", StringComparison.Ordinal)).ToList();
        var names = new LoraNames(shape, part => part == ModelParts.UNet ? weights : []);
        var table = SingleFileLayout.Of(shape).Tables[ModelParts.UNet];
        foreach (var weight in weights)
        {
            var module = weight[..^".weight".Length];
            Assert.Equal(weight, names.Find($"lora_unet_{module.Replace('.', '_')}")?.Name);
            var original = table.ToOriginal(module)!.Original[table.Prefix.Length..];
            Assert.Equal(weight, names.Find($"lora_unet_{original.Replace('.', '_')}")?.Name);
        }
    }

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    private static ModelLoadOptions Options(params Lora[] loras) => new() { Loras = loras };

    private Dictionary<string, Tensor> Weights(string model, params Lora[] loras)
    {
        using var files = ModelFiles.Open(model, Options(loras) with { Tokenizer = models.Plain });
        return ModelParts.Of(files.Shape).SelectMany(part => files.Weights(part).Tensors.Select(tensor => (Name: $"{part}/{tensor.Key}", tensor.Value)))
            .ToDictionary(tensor => tensor.Name, tensor => tensor.Value.Read().clone());
    }

    private (Tensor Down, Tensor Up) Factors(long[] shape, long rank) =>
        shape.Length == 4 ? (Numbers(rank, shape[1], shape[2], shape[3]), Numbers(shape[0], rank, 1, 1)) : (Numbers(rank, shape[1]), Numbers(shape[0], rank));

    private Tensor Numbers(params long[] shape) => randn(shape, generator: random);

    private void Save(string name, params (string Name, Tensor Tensor)[] tensors) =>
        SafetensorsWriter.Write(folder[name], tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Tensor));

    private void Refused(string model, string expected)
    {
        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(model, options: Options(new Lora(folder["l.safetensors"]))));
        Assert.Contains(expected, error.Message);
        Assert.Contains("l.safetensors", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}
