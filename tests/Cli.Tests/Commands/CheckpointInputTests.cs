using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>What people have of models, given to the command: other configs, autoencoders, adapters, failed downloads.</summary>
public sealed class CheckpointInputTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void ASchedulerThatIsNotThereIsReplacedWithANoteAndADifferentKindOfModelRefused()
    {
        var model = folder.Copy(EmbeddedModel.Folder(), "model");
        Change(Path.Combine(model, "scheduler", "scheduler_config.json"), config => config["_class_name"] = "UniPCMultistepScheduler");
        Change(Path.Combine(model, "unet", "config.json"), config => config["a_new_key"] = 3);
        // The index as it was written with the config.
        Change(Path.Combine(model, "model_index.json"), config => config["scheduler"] = new JsonArray("diffusers", "UniPCMultistepScheduler"));
        string[] run = ["generate", "a house", "--model", model, "--steps", "1", "--size", "64x64", "--quiet", "--overwrite", "-o", folder["out"]];

        var notes = Notes(InProcess.Run(run));
        Assert.Contains(notes, note => note.Contains("UniPCMultistepScheduler", StringComparison.Ordinal) && note.Contains("ddim", StringComparison.Ordinal));
        Assert.Contains(notes, note => note.Contains("\"a_new_key\" is 3", StringComparison.Ordinal));
        Assert.Contains("a_new_key", Assert.Single(Notes(InProcess.Run([.. run, "--scheduler", "euler"]))));

        Change(Path.Combine(model, "scheduler", "scheduler_config.json"), config => config["_class_name"] = "FlowMatchEulerDiscreteScheduler");
        Assert.Contains("FlowMatchEulerDiscreteScheduler", InProcess.Run([.. run, "--scheduler", "euler"]).FailedWith(2));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void AnotherAutoencoderMakesAnotherImageAndIsRecorded()
    {
        var model = folder.Copy(EmbeddedModel.Folder(), "model");
        var vae = folder["vae.safetensors"];
        using (NewDisposeScope())
        using (var own = SafetensorsFile.Open(Path.Combine(model, "vae", "diffusion_pytorch_model.safetensors")))
            SafetensorsWriter.Write(vae, own.Tensors.Keys.Select(name => KeyValuePair.Create(name, name == "decoder.conv_out.weight" ? zeros(own.Tensors[name].Shape) : own.Read(name))));
        string[] run = ["generate", "a house", "--model", model, "--steps", "1", "--size", "64x64", "--quiet"];

        InProcess.Run([.. run, "-o", folder["own"]]).Succeeded();
        P2P.RunShell($"cd '{folder.Path}' && {P2P.Command} {string.Join(' ', run.Select(part => $"'{part}'"))} --vae vae.safetensors -o given").Succeeded();

        Assert.NotEqual(Image.Load(Path.Combine(folder["own"], "source.png")).Rgb, Image.Load(Path.Combine(folder["given"], "source.png")).Rgb);
        using var record = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder["given"], "run.json")));
        Assert.Equal("vae.safetensors", record.RootElement.GetProperty("options").GetProperty("vae").GetString());
        var input = Assert.Single(record.RootElement.GetProperty("inputs").EnumerateArray());
        Assert.Equal(vae, input.GetProperty("path").GetString());
        Assert.Equal("--vae", input.GetProperty("option").GetString());
        Assert.Equal(64, input.GetProperty("sha256").GetString()!.Length);
        // From another folder.
        InProcess.Run("run", folder["given"], "-o", folder["again"], "--quiet").Succeeded();
        Assert.Equal(Image.Load(folder["given/source.png"]).Rgb, Image.Load(folder["again/source.png"]).Rgb);
        Directory.Delete(Path.Combine(model, "vae"), recursive: true);
        Assert.Contains("no autoencoder (VAE)", InProcess.Run([.. run, "-o", folder["without"]]).FailedWith(2));
    }

    [Fact]
    public void FailedDownloadsAreCalledWhatTheyAre()
    {
        File.WriteAllText(folder["page.safetensors"], "<!DOCTYPE html><html><head><title>Sign in</title></head></html>");
        foreach (var option in new[] { "--model", "--lora", "--embedding", "--vae" })
        {
            var line = InProcess.Run("generate", "a house", option, folder["page.safetensors"], "--steps", "1", "-o", folder["out"]).FailedWith(2);
            Assert.Contains("a web page (HTML) that says \"Sign in\"", line);
            Assert.Contains(folder["page.safetensors"], line);
        }
    }

    public void Dispose() => folder.Dispose();

    private static List<string> Notes(Outcome outcome)
    {
        outcome.Succeeded();
        return [.. outcome.Error.Split('\n').Where(line => line.StartsWith("note: ", StringComparison.Ordinal) && !line.Contains("this model knows", StringComparison.Ordinal))];
    }

    private static void Change(string path, Action<JsonObject> change)
    {
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
    }
}
