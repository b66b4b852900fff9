using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

/// <summary>A model made for inpainting: the embedded one with a U-Net of more input channels, whose weights the test gives.</summary>
internal sealed class InpaintingModel : IDisposable
{
    private const string WeightsName = "diffusion_pytorch_model.safetensors";
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-tests-");

    /// <param name="weights">Weights of the channels beside the latents; for an inpainting model the mask and then the masked picture's latents.</param>
    public InpaintingModel(params double[] weights)
    {
        var embedded = EmbeddedModel.Folder();
        foreach (var file in Directory.EnumerateFiles(embedded, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder.FullName, Path.GetRelativePath(embedded, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Rewrite("model_index.json", json => json["_class_name"] = "StableDiffusionInpaintPipeline");
        Rewrite(Path.Combine("unet", "config.json"), json => json["in_channels"] = EmbeddedModel.LatentChannels + weights.Length);
        WidenInput(Path.Combine(embedded, "unet", WeightsName), weights);
        Model = StableDiffusionModel.Load(folder.FullName);
    }

    public StableDiffusionModel Model { get; }

    public void Dispose()
    {
        Model.Dispose();
        folder.Delete(recursive: true);
    }

    private void WidenInput(string source, double[] weights)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(source);
        var tensors = file.Tensors.Keys.ToDictionary(name => name, file.Read);
        var narrow = tensors["conv_in.weight"];
        var added = weights.Select(weight => full_like(narrow.narrow(1, 0, 1), weight)).ToArray();
        tensors["conv_in.weight"] = cat([narrow, .. added], 1);
        SafetensorsWriter.Write(Path.Combine(folder.FullName, "unet", WeightsName), tensors);
    }

    private void Rewrite(string name, Action<JsonNode> change)
    {
        var path = Path.Combine(folder.FullName, name);
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
