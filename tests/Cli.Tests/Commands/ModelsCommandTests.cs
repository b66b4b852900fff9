using System.Text.Json;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class ModelsCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void AModelInOneFileEditsAsItsDirectoryDoes()
    {
        var storybook = EmbeddedModel.Folder();
        var file = folder["m.safetensors"];
        InProcess.Run("models", "convert", storybook, "--to", "single-file", "-o", file).Succeeded();
        using var info = Succeeded("models", "info", file, "--json");
        Assert.Equal("single file", info.RootElement.GetProperty("format").GetString());
        using var original = Succeeded("models", "info", storybook, "--json");
        Assert.Equal(original.RootElement.GetProperty("parameters").GetInt64(), info.RootElement.GetProperty("parameters").GetInt64());
        foreach (var model in new[] { storybook, file })
        {
            InProcess.Run("edit", "a red ball", "a blue ball", "--model", model, "--tokenizer", storybook, "--steps", "2", "--size", "64x64", "--quiet", "-o", folder["from " + Path.GetFileName(model)])
                .Succeeded();
        }

        foreach (var image in new[] { "source.png", "edit-1.png" })
        {
            Assert.Equal(
                Image.Load(Path.Combine(folder["from storybook"], image)).Rgb, Image.Load(Path.Combine(folder["from m.safetensors"], image)).Rgb);
        }

        Assert.Contains("--tokenizer", InProcess.Run("tokens", "a ball", "--model", file, "--tokenizer", folder["m.safetensors"]).FailedWith(2));
        Assert.Contains("already exists", InProcess.Run("models", "convert", storybook, "--to", "single-file", "-o", file).FailedWith(2));
    }

    [Fact]
    public void ALoraAndALearnedWordChangeTheImage()
    {
        var storybook = EmbeddedModel.Folder();
        using (NewDisposeScope())
        using (var text = SafetensorsFile.Open(Path.Combine(storybook, "text_encoder", "model.safetensors")))
        using (var unet = SafetensorsFile.Open(Path.Combine(storybook, "unet", "diffusion_pytorch_model.safetensors")))
        {
            const string Changed = "mid_block.attentions.0.transformer_blocks.0.attn2.to_v";
            var size = unet.Tensors[$"{Changed}.weight"].Shape;
            SafetensorsWriter.Write(folder["style.safetensors"], new Dictionary<string, Tensor>
            {
                [$"lora_unet_{Changed.Replace('.', '_')}.lora_down.weight"] = ones(2, size[1]),
                [$"lora_unet_{Changed.Replace('.', '_')}.lora_up.weight"] = ones(size[0], 2),
            });
            var width = text.Tensors["text_model.embeddings.token_embedding.weight"].Shape[1];
            SafetensorsWriter.Write(folder["toy.safetensors"], new Dictionary<string, Tensor> { ["emb_params"] = ones(2, width) });
        }

        var images = new[] { [], ["--lora", folder["style.safetensors:0"]], ["--lora", folder["style.safetensors:0.5"]], new[] { "--embedding", folder["toy.safetensors"] } }
            .Select((arguments, i) =>
            {
                var output = folder[$"{i}"];
                InProcess.Run([.. new[] { "generate", "a toy house in a field", "--model", storybook, "--steps", "2", "--size", "64x64", "--quiet", "-o", output }, .. arguments]).Succeeded();
                return Convert.ToHexString(Image.Load(Path.Combine(output, "source.png")).Rgb);
            }).ToList();

        Assert.Equal(images[0], images[1]);
        Assert.Equal(3, images.Distinct().Count());
        using var tokens = Succeeded("tokens", "a toy", "--model", storybook, "--embedding", folder["toy.safetensors"], "--json");
        Assert.Equal(2, tokens.RootElement.GetProperty("words")[1].GetProperty("tokens").GetArrayLength());
        Assert.Contains("toy.safetensors contains no LoRA", InProcess.Run("generate", "a house", "--model", storybook, "--lora", folder["toy.safetensors"]).FailedWith(2));
    }

    [Fact]
    public void CheckSaysExactlyWhatIsWrong()
    {
        InProcess.Run("models", "check", EmbeddedModel.Folder(), "--quiet").Succeeded();
        var model = folder.Copy(EmbeddedModel.Folder(), "model");
        var weights = Path.Combine(model, "vae", "diffusion_pytorch_model.safetensors");
        using (var file = SafetensorsFile.Open(weights))
            SafetensorsWriter.Write(weights, file.Tensors.Keys.Select(name => KeyValuePair.Create(name == "quant_conv.bias" ? "quant.bias" : name, file.Read(name))));
        var outcome = InProcess.Run("models", "check", model, "--json");
        Assert.Contains("vae has 1 missing, 1 extra and 0 misshapen", outcome.FailedWith(2));
        using var json = JsonDocument.Parse(outcome.Output);
        Assert.False(json.RootElement.GetProperty("sound").GetBoolean());
        var vae = json.RootElement.GetProperty("parts").EnumerateArray().Single(part => part.GetProperty("name").GetString() == "vae");
        Assert.Equal("quant_conv.bias", vae.GetProperty("missing")[0].GetString());
        Assert.Equal("quant.bias", vae.GetProperty("extra")[0].GetString());
    }

    public void Dispose() => folder.Dispose();

    private static JsonDocument Succeeded(params string[] arguments) => JsonDocument.Parse(InProcess.Run(arguments).Succeeded());
}
