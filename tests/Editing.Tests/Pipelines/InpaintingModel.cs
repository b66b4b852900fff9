using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

/// <summary>A model made for inpainting: another one with a U-Net of more input channels, whose weights the test gives.</summary>
internal sealed class InpaintingModel : IDisposable
{
    private const string WeightsName = "diffusion_pytorch_model.safetensors";
    private readonly TemporaryFolder folder = new();

    /// <param name="plain">The model.</param>
    /// <param name="weights">Weights of the channels beside the latents; for an inpainting model the mask and then the masked picture's latents.</param>
    public InpaintingModel(StableDiffusionModel plain, params double[] weights)
    {
        var path = folder.Copy(plain.Directory, "model");
        Rewrite(Path.Combine(path, "model_index.json"), json => json["_class_name"] = "StableDiffusionInpaintPipeline");
        Rewrite(Path.Combine(path, "unet", "config.json"), json => json["in_channels"] = plain.Shape.Vae.LatentChannels + weights.Length);
        WidenInput(Path.Combine(path, "unet", WeightsName), weights);
        Model = StableDiffusionModel.Load(path);
    }

    public StableDiffusionModel Model { get; }

    public void Dispose()
    {
        Model.Dispose();
        folder.Dispose();
    }

    private static void WidenInput(string path, double[] weights)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(path))
            tensors = file.Tensors.Keys.ToDictionary(name => name, name => file.Read(name).clone());
        var narrow = tensors["conv_in.weight"];
        var added = weights.Select(weight => full_like(narrow.narrow(1, 0, 1), weight)).ToArray();
        tensors["conv_in.weight"] = cat([narrow, .. added], 1);
        SafetensorsWriter.Write(path, tensors);
    }

    private static void Rewrite(string path, Action<JsonNode> change)
    {
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
