using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Storage.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>An autoencoder that is given for a model, in every form.</summary>
public sealed class GivenVaeTests : IDisposable
{
    private const string Prefix = "first_stage_model.";
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly string model;
    private readonly string other;

    public GivenVaeTests()
    {
        model = SmallModel.Write(folder["model"]);
        SmallModel.WriteTokenizer(Path.Combine(folder["other"], "tokenizer"));
        RandomModel.Write(folder["other"], SmallModel.Shape, ScalarType.Float32, seed: 2);
        other = folder["other"];
    }

    [Fact]
    public void EveryFormIsTakenAndIsAnotherModel()
    {
        ModelConverter.ToSingleFile(other, folder["whole.safetensors"], dtype: null);
        using (var file = SafetensorsFile.Open(folder["whole.safetensors"]))
        {
            var names = file.Tensors.Keys.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToList();
            // Without the notes that this program writes; with what training leaves.
            SafetensorsWriter.Write(folder["bare.safetensors"], names.Select(name => KeyValuePair.Create(name[Prefix.Length..], file.Read(name))).Append(new("loss.logvar", ones(1))).Append(new("model_ema.decay", ones(1))));
            SafetensorsWriter.Write(folder["prefixed.safetensors"], names.Select(name => KeyValuePair.Create(name, file.Read(name))).Append(new("model.diffusion_model.x", ones(1))));
        }

        File.Copy(Path.Combine(other, "vae", "diffusion_pytorch_model.safetensors"), folder["diffusers.safetensors"]);
        Directory.CreateDirectory(folder["alone"]);
        File.Copy(folder["bare.safetensors"], Path.Combine(folder["alone"], "vae.safetensors"));
        string[] forms =
        [
            Path.Combine(other, "vae"), other, Path.Combine(other, "vae", "diffusion_pytorch_model.safetensors"), folder["diffusers.safetensors"],
            folder["whole.safetensors"], folder["bare.safetensors"], folder["prefixed.safetensors"], folder["alone"],
        ];
        using var wanted = StableDiffusionModel.Load(other);
        using var plain = StableDiffusionModel.Load(model);
        var latents = randn(1, 4, 4, 4);
        var image = wanted.Vae.Decode(latents);
        Assert.False(image.allclose(plain.Vae.Decode(latents)));
        // With and without an autoencoder of its own, and from one file.
        var without = Without(model);
        var single = WithoutInFile(model);
        foreach (var form in forms)
        {
            using var replaced = StableDiffusionModel.Load(model, options: new() { Vae = form });
            Assert.True(image.Equals(replaced.Vae.Decode(latents)), form);
            Assert.NotEqual(plain.Fingerprint, replaced.Fingerprint);
            using var added = StableDiffusionModel.Load(without, options: new() { Vae = form });
            Assert.True(image.Equals(added.Vae.Decode(latents)), form);
            using var file = StableDiffusionModel.Load(single, options: new() { Vae = form, Tokenizer = model });
            Assert.True(image.Equals(file.Vae.Decode(latents)), form);
            Assert.All(ModelCheck.Of(model, new() { Vae = form }), part => Assert.True(part.IsSound));
        }

        // What is converted with it has it.
        ModelConverter.ToDirectory(single, folder["merged"], dtype: null, new() { Vae = folder["bare.safetensors"], Tokenizer = model });
        using var merged = StableDiffusionModel.Load(folder["merged"]);
        Assert.True(image.Equals(merged.Vae.Decode(latents)));
    }

    [Fact]
    public void AModelWithoutOneSaysThatOneIsNeeded()
    {
        Assert.Contains("no autoencoder (VAE)", Refused(Without(model), new()));
        Assert.Contains("no autoencoder (VAE)", Refused(WithoutInFile(model), new() { Tokenizer = model }));
    }

    [Fact]
    public void OneOfAnotherFamilyIsRefused()
    {
        Change(Path.Combine(other, "vae", "config.json"), config => config["scaling_factor"] = 0.13025);
        Assert.Contains("scales latents by 0.13025, the model by 0.18215", Refused(model, new() { Vae = other }));
        Change(Path.Combine(other, "vae", "config.json"), config =>
        {
            config["scaling_factor"] = 0.18215;
            (config["latents_mean"], config["latents_std"]) = (new JsonArray(1, 2, 3, 4), new JsonArray(1, 2, 3, 4));
        });
        Assert.Contains("their latents_mean or latents_std differ", Refused(model, new() { Vae = other }));
        RandomModel.Write(SmallModel.Write(folder["wide"]), SmallModel.Shape with { Vae = SmallModel.Shape.Vae with { LatentChannels = 16 } }, ScalarType.Float32, seed: 2);
        Assert.Contains("it has 16 latent channels, the U-Net 4", Refused(model, new() { Vae = folder["wide"] }));
        Assert.Contains("it has 16 latent channels, the U-Net 4", Refused(model, new() { Vae = CopyOf(Path.Combine(folder["wide"], "vae", "diffusion_pytorch_model.safetensors"), "w.safetensors") }));
        RandomModel.Write(SmallModel.Write(folder["deep"]), SmallModel.Shape with { Vae = SmallModel.Shape.Vae with { Channels = [32, 32, 32] } }, ScalarType.Float32, seed: 2);
        Assert.Contains("its downsampling factor is 4, the model's is 2", Refused(model, new() { Vae = folder["deep"] }));
    }

    [Fact]
    public void WhatIsNoAutoencoderIsRefused()
    {
        Directory.CreateDirectory(folder["empty"]);
        Assert.Contains("is not an autoencoder", Refused(model, new() { Vae = folder["empty"] }));
        Assert.Contains("\"_class_name\" is \"UNet2DConditionModel\"", Refused(model, new() { Vae = Path.Combine(other, "unet") }));
        SafetensorsWriter.Write(folder["x.safetensors"], [KeyValuePair.Create("a.weight", ones(2))]);
        Assert.Contains("contains no autoencoder", Refused(model, new() { Vae = folder["x.safetensors"] }));
        File.WriteAllText(folder["page.safetensors"], "<html></html>");
        Assert.Contains("a web page", Refused(model, new() { Vae = folder["page.safetensors"] }));
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    private static string Refused(string model, ModelLoadOptions options)
    {
        var error = Assert.Throws<InvalidInputException>(() => StableDiffusionModel.Load(model, options: options));
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }

    private static void Change(string path, Action<JsonObject> change)
    {
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
    }

    private string CopyOf(string path, string name)
    {
        File.Copy(path, folder[name], overwrite: true);
        return folder[name];
    }

    private string Without(string directory)
    {
        ModelConverter.ToDirectory(directory, folder["without"], dtype: null);
        Directory.Delete(Path.Combine(folder["without"], "vae"), recursive: true);
        return folder["without"];
    }

    private string WithoutInFile(string directory)
    {
        ModelConverter.ToSingleFile(directory, folder["s.safetensors"], dtype: null);
        using var file = SafetensorsFile.Open(folder["s.safetensors"]);
        SafetensorsWriter.Write(
            folder["single.safetensors"],
            file.Tensors.Keys.Where(name => !name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => KeyValuePair.Create(name, file.Read(name))),
            file.Metadata);
        return folder["single.safetensors"];
    }
}
