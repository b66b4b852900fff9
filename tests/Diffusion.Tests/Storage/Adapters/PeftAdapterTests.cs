using System.Text.Json.Nodes;
using CsCheck;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Adapters;

/// <summary>Adapters as peft writes them: weights and an <c>adapter_config.json</c> in a folder.</summary>
public sealed class PeftAdapterTests(SmallModels models) : IClassFixture<SmallModels>, IDisposable
{
    private const string Query = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    private const string Key = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k";
    private const string Text = "text_model.encoder.layers.0.self_attn.q_proj";

    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator random = new(7);

    [Theory]
    [InlineData("""{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["to_q"]}""", 2, 2)]
    [InlineData("""{"r":4,"lora_alpha":8,"use_rslora":true}""", 4, 4)]
    [InlineData("""{"r":4,"lora_alpha":8,"alpha_pattern":{"attn1.to_k":12}}""", 2, 3)]
    [InlineData("""{"r":4,"lora_alpha":8,"alpha_pattern":{"^down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q":2}}""", 0.5, 2)]
    [InlineData("""{"r":2,"rank_pattern":{"to_q":4,"to_k":4},"lora_alpha":6}""", 1.5, 1.5)]
    [InlineData("""{"r":4,"lora_alpha":8,"alpha_pattern":{},"rank_pattern":{},"bias":"none","modules_to_save":null,"fan_in_fan_out":false,"use_dora":false,"layer_replication":null,"init_lora_weights":true,"loftq_config":{},"inference_mode":true,"lora_dropout":0.1,"task_type":null,"exclude_modules":null,"megatron_core":"megatron.core"}""", 2, 2)]
    [InlineData("""{"r":4,"lora_alpha":8,"init_lora_weights":"gaussian"}""", 2, 2)]
    public void ItsSettingsScaleTheChange(string settings, double queryScale, double keyScale)
    {
        var (query, key) = (Factors(4), Factors(4));
        foreach (var given in new[] { Save("a", settings, query, key), Path.Combine(folder["a"], "adapter_model.safetensors") })
        {
            using var files = Open(models.Plain, new Lora(given, 0.5));
            Assert.Empty(files.Notes);
            foreach (var (name, (down, up), scale) in new[] { (Query, query, queryScale), (Key, key, keyScale) })
            {
                var before = Weight(models.Plain, ModelParts.UNet, name);
                var after = files.Weights(ModelParts.UNet).Tensors[$"{name}.weight"].Read();
                Assert.True((before + (0.5 * scale * up.matmul(down))).allclose(after, rtol: 1e-4, atol: 1e-5), name);
            }
        }
    }

    /// <summary>peft divides by the rank of the settings also where it stores both factors whole, which it does as soon as the rank is half a side.</summary>
    [Theory]
    [InlineData("""{"peft_type":"LOKR","r":16,"alpha":8}""", true, 0.5)]
    [InlineData("""{"peft_type":"LOKR","r":4,"alpha":8}""", false, 2)]
    [InlineData("""{"peft_type":"LOKR","r":4,"alpha":8,"rank_pattern":{"attn1.to_q":32}}""", true, 0.25)]
    [InlineData("""{"peft_type":"LOKR","r":16,"alpha":8,"alpha_pattern":{"attn1.to_q":32}}""", true, 2)]
    [InlineData("""{"peft_type":"LOKR","r":4,"alpha":8,"rank_pattern":{"to_k":32},"alpha_pattern":{"to_k":32}}""", true, 2)]
    [InlineData("""{"peft_type":"LOKR","r":64}""", true, 1)]
    public void ALoKrIsScaledByTheRankOfItsSettings(string settings, bool isWhole, double scale)
    {
        var (w1, w2, a, b) = (Numbers(4, 4), Numbers(8, 8), Numbers(8, 4), Numbers(4, 8));
        AssertChanged(settings, kron(w1, isWhole ? w2 : a.matmul(b)) * scale, isWhole ? [("lokr_w1", w1), ("lokr_w2", w2)] : [("lokr_w1", w1), ("lokr_w2_a", a), ("lokr_w2_b", b)]);
    }

    [Theory]
    [InlineData("""{"peft_type":"LOHA","r":4,"alpha":8}""", 2)]
    [InlineData("""{"peft_type":"LOHA","r":8,"alpha":8,"rank_pattern":{"to_q":4},"alpha_pattern":{"to_q":2}}""", 0.5)]
    public void ALoHaIsScaledByItsSettings(string settings, double scale)
    {
        var ((b1, a1), (b2, a2)) = (Factors(4), Factors(4));
        AssertChanged(settings, a1.matmul(b1) * a2.matmul(b2) * scale, ("hada_w1_a", a1), ("hada_w1_b", b1), ("hada_w2_a", a2), ("hada_w2_b", b2));
    }

    [Theory]
    [InlineData("""{"peft_type":"LOKR","r":0,"alpha":8}""", "positive")]
    [InlineData("""{"peft_type":"LOKR","r":4,"rank_pattern":{"to_q":0}}""", "positive")]
    public void ARankThatIsNoneIsRefused(string settings, string expected)
    {
        Save("k", settings, ("lokr_w1", Numbers(4, 4)), ("lokr_w2", Numbers(8, 8)));
        Assert.Contains(expected, Assert.Throws<InvalidInputException>(() =>
        {
            using var files = Open(models.Plain, new Lora(folder["k"]));
            return files.Weights(ModelParts.UNet);
        }).Message);
    }

    [Fact]
    public void AnAdapterOfATextEncoderIsScaled()
    {
        var (down, up) = Factors(4);
        Directory.CreateDirectory(folder["t"]);
        SafetensorsWriter.Write(Path.Combine(folder["t"], "adapter_model.safetensors"), new Dictionary<string, Tensor>
        {
            [$"base_model.model.{Text}.lora_A.weight"] = down,
            [$"base_model.model.{Text}.lora_B.weight"] = up,
        });
        File.WriteAllText(Path.Combine(folder["t"], "adapter_config.json"), """{"r":4,"lora_alpha":1}""");
        using var files = Open(models.Plain, new Lora(folder["t"]));
        var after = files.Weights(ModelParts.TextEncoder).Tensors[$"{Text}.weight"].Read();
        Assert.True((Weight(models.Plain, ModelParts.TextEncoder, Text) + (0.25 * up.matmul(down))).allclose(after, rtol: 1e-4, atol: 1e-5));
    }

    [Theory]
    [InlineData("""{"bias":"all"}""", "bias")]
    [InlineData("""{"bias":"lora_only"}""", "bias")]
    [InlineData("""{"fan_in_fan_out":true}""", "fan_in_fan_out")]
    [InlineData("""{"modules_to_save":["conv_in"]}""", "modules_to_save")]
    [InlineData("""{"use_dora":true}""", "use_dora")]
    [InlineData("""{"lora_bias":true}""", "lora_bias")]
    [InlineData("""{"layer_replication":[[0,2]]}""", "layer_replication")]
    [InlineData("""{"init_lora_weights":"pissa"}""", "init_lora_weights")]
    [InlineData("""{"init_lora_weights":"pissa_niter_4"}""", "init_lora_weights")]
    [InlineData("""{"init_lora_weights":"olora"}""", "init_lora_weights")]
    [InlineData("""{"peft_type":"ADALORA"}""", "ADALORA")]
    [InlineData("""{"peft_type":"IA3"}""", "IA3")]
    [InlineData("""{"r":8}""", "\"r\"")]
    [InlineData("""{"r":4,"rank_pattern":{"to_q":2}}""", "rank_pattern")]
    [InlineData("""{"rank_pattern":{".*to_q":2}}""", "rank_pattern")]
    [InlineData("""{"trainable_token_indices":[3]}""", "trainable_token_indices")]
    [InlineData("""{"target_parameters":["a"]}""", "target_parameters")]
    [InlineData("""{"lora_alpha":"8"}""", "lora_alpha")]
    [InlineData("[]", "no JSON object")]
    public void WhatIsNotSupportedIsRefusedByName(string settings, string named)
    {
        var adapter = Save("a", settings, Factors(4), Factors(4));
        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(models.Plain, options: new() { Loras = [new Lora(adapter)] }));
        Assert.Contains(named, error.Message);
        Assert.Contains("adapter_config.json", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    /// <summary>Whatever a setting is, it is followed, refused or noted.</summary>
    [Fact]
    public void EverySettingIsFollowedRefusedNotedOrHarmless()
    {
        var settings = JsonNode.Parse("""{"r":4,"lora_alpha":8,"alpha_pattern":{},"rank_pattern":{},"bias":"none","modules_to_save":null,"fan_in_fan_out":false,"use_dora":false,"use_rslora":false,"layer_replication":null,"init_lora_weights":true,"peft_type":"LORA","lora_bias":false,"use_qalora":false,"megatron_config":null}""")!.AsObject();
        string[] names = [.. settings.Select(field => field.Key), "of_next_year"], values = ["true", "7", "\"all\"", "[1]", "{\"to_q\":2}", "[\"x\"]"];
        var (query, key) = (Factors(4), Factors(4));
        var (_, usual) = Run(settings);
        Gen.Select(Gen.Int[0, names.Length - 1], Gen.Int[0, values.Length - 1]).Sample(
            (name, value) =>
            {
                var changed = settings.DeepClone().AsObject();
                changed[names[name]] = JsonNode.Parse(values[value]);
                var (said, sum) = Run(changed);
                Assert.True(said.Contains(names[name], StringComparison.Ordinal) || sum != usual || JsonNode.DeepEquals(changed[names[name]], settings[names[name]]), $"{names[name]} = {values[value]}");
            },
            iter: 150,
            threads: 1);

        (string Said, double Sum) Run(JsonObject config)
        {
            using var inner = NewDisposeScope();
            try
            {
                using var files = Open(models.Plain, new Lora(Save("a", config.ToJsonString(), query, key)));
                return (string.Join(' ', files.Notes), files.Weights(ModelParts.UNet).Tensors[$"{Query}.weight"].Read().sum().ToDouble());
            }
            catch (InvalidInputException e)
            {
                return (e.Message, double.NaN);
            }
        }
    }

    [Fact]
    public void ItsSettingsAreAPartOfTheModelAndTheirLackIsSaid()
    {
        var (query, key) = (Factors(4), Factors(4));
        var adapter = Save("a", """{"r":4,"lora_alpha":8}""", query, key);
        using var twice = Open(models.Plain, new Lora(adapter));
        var first = twice.Fingerprint();
        Save("a", """{"r":4,"lora_alpha":16}""", query, key);
        using var four = Open(models.Plain, new Lora(adapter));
        Assert.NotEqual(first, four.Fingerprint());
        File.Delete(Path.Combine(adapter, "adapter_config.json"));
        using var without = Open(models.Plain, new Lora(adapter));
        Assert.Contains("adapter_config.json", Assert.Single(without.Notes));
        Directory.CreateDirectory(folder["empty"]);
        Assert.Contains("adapter_model.safetensors", Assert.Throws<InvalidInputException>(() => Open(models.Plain, new Lora(folder["empty"])).Notes).Message);
    }

    /// <summary>A LoRA that has its words with it: the change counts, and so do the words, in every spelling.</summary>
    [Theory]
    [InlineData("my.cat", "string_to_param.*")]
    [InlineData("mycat", "emb_params")]
    [InlineData("mycat", "clip_l")]
    public void BundledWordsAreLearned(string word, string name)
    {
        var (down, up) = Factors(4);
        var vectors = Numbers(2, 32);
        SafetensorsWriter.Write(folder["b.safetensors"], new Dictionary<string, Tensor>
        {
            [$"unet.{Query}.lora_A.weight"] = down,
            [$"unet.{Query}.lora_B.weight"] = up,
            [$"bundle_emb.{word}.{name}"] = vectors,
        });
        SafetensorsWriter.Write(folder["w.safetensors"], new Dictionary<string, Tensor> { ["emb_params"] = vectors });
        var lora = new Lora(folder["b.safetensors"]);

        using var bundled = StableDiffusionModel.Load(models.Plain, options: new() { Loras = [lora] });
        using var apart = StableDiffusionModel.Load(models.Plain, options: new() { Embeddings = [new TextEmbedding(folder["w.safetensors"], word)] });
        using var files = Open(models.Plain, lora);

        Assert.Equal(apart.Tokenizer.Tokenize($"a {word} here").Ids, bundled.Tokenizer.Tokenize($"a {word} here").Ids);
        Assert.Equal(SmallModel.Tokens + 2, bundled.Tokenizer.VocabularySize);
        Assert.True(TextConditioning.Encode(apart, [apart.Tokenizer.Tokenize($"a {word}")]).Text.Equals(TextConditioning.Encode(bundled, [bundled.Tokenizer.Tokenize($"a {word}")]).Text));
        Assert.True((Weight(models.Plain, ModelParts.UNet, Query) + up.matmul(down)).allclose(files.Weights(ModelParts.UNet).Tensors[$"{Query}.weight"].Read(), atol: 1e-5));
        Assert.Equal(bundled.Tokenizer.Encode(word), StableDiffusionModel.LoadTokenizer(models.Plain, new() { Loras = [lora] }).Encode(word));
    }

    [Fact]
    public void BundledWordsOfTwoEncodersAreLearnedAndOthersNamed()
    {
        var part = "text_encoder." + Text;
        var size = Weight(models.Xl, ModelParts.TextEncoder, Text).shape;
        SafetensorsWriter.Write(folder["b.safetensors"], new Dictionary<string, Tensor>
        {
            [part + ".lora_A.weight"] = Numbers(2, size[1]),
            [part + ".lora_B.weight"] = Numbers(size[0], 2),
            ["bundle_emb.toy.clip_l"] = Numbers(3, 24),
            ["bundle_emb.toy.clip_g"] = Numbers(3, 32),
            ["bundle_emb.two words.clip_l"] = Numbers(1, 24),
            ["bundle_emb.two words.clip_g"] = Numbers(1, 32),
        });
        using var model = StableDiffusionModel.Load(models.Xl, options: new() { Loras = [new Lora(folder["b.safetensors"])] });
        Assert.Equal(SmallModel.Tokens + 3, model.Tokenizer.VocabularySize);
        Assert.True(model.Tokenizer.IsAdded("toy"));
        Assert.Contains("two words", Assert.Single(model.Notes));
        SafetensorsWriter.Write(folder["c.safetensors"], new Dictionary<string, Tensor>
        {
            [part + ".lora_A.weight"] = Numbers(2, size[1]),
            [part + ".lora_B.weight"] = Numbers(size[0], 2),
            ["bundle_emb.toy.clip_l"] = Numbers(3, 25),
            ["bundle_emb.toy.clip_g"] = Numbers(3, 32),
        });
        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(models.Xl, options: new() { Loras = [new Lora(folder["c.safetensors"])] }));
        Assert.Contains("the bundled word \"toy\" contains vectors of width 25", error.Message);
    }

    public void Dispose()
    {
        random.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    private static ModelFiles Open(string model, Lora lora) => ModelFiles.Open(model, new ModelLoadOptions { Loras = [lora] });

    private static Tensor Weight(string model, string part, string name)
    {
        using var files = ModelFiles.Open(model);
        return files.Weights(part).Tensors[$"{name}.weight"].Read().clone();
    }

    private (Tensor Down, Tensor Up) Factors(long rank) => (Numbers(rank, 32), Numbers(32, rank));

    private Tensor Numbers(params long[] shape) => randn(shape, generator: random);

    private void AssertChanged(string settings, Tensor change, params (string Name, Tensor Tensor)[] tensors)
    {
        using var files = Open(models.Plain, new Lora(Save("k", settings, tensors)));
        Assert.True((Weight(models.Plain, ModelParts.UNet, Query) + change).allclose(files.Weights(ModelParts.UNet).Tensors[$"{Query}.weight"].Read(), rtol: 1e-4, atol: 1e-5));
    }

    private string Save(string name, string settings, (Tensor Down, Tensor Up) query, (Tensor Down, Tensor Up) key) => Save(name, settings, new Dictionary<string, Tensor>
    {
        [$"{Query}.lora_A.weight"] = query.Down,
        [$"{Query}.lora_B.weight"] = query.Up,
        [$"{Key}.lora_A.weight"] = key.Down,
        [$"{Key}.lora_B.weight"] = key.Up,
    });

    private string Save(string name, string settings, params (string Name, Tensor Tensor)[] ofQuery) =>
        Save(name, settings, ofQuery.ToDictionary(tensor => $"{Query}.{tensor.Name}", tensor => tensor.Tensor));

    private string Save(string name, string settings, Dictionary<string, Tensor> tensors)
    {
        Directory.CreateDirectory(folder[name]);
        SafetensorsWriter.Write(
            Path.Combine(folder[name], "adapter_model.safetensors"),
            tensors.ToDictionary(tensor => $"base_model.model.{tensor.Key}", tensor => tensor.Value),
            new Dictionary<string, string> { ["format"] = "pt" });
        File.WriteAllText(Path.Combine(folder[name], "adapter_config.json"), settings);
        return folder[name];
    }
}
