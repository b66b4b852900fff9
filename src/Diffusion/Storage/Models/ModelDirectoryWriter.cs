using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>Writes the files of a model directory in the diffusers layout.</summary>
/// <param name="directory">The directory; created if it does not exist.</param>
internal sealed class ModelDirectoryWriter(string directory)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes the config of a part or of the scheduler.</summary>
    public void WriteConfig(string part, JsonObject config) => WriteConfig(part, Encoding.UTF8.GetBytes(config.ToJsonString(Indented) + "\n"));

    /// <summary>Writes the text of a config.</summary>
    public void WriteConfig(string part, byte[] config) => Write(Path.Combine(part, ModelParts.ConfigFile(part)), config);

    /// <summary>Writes the weights of a part.</summary>
    public void WriteWeights(string part, IEnumerable<PendingTensor> tensors)
    {
        MakeFolder(part);
        SafetensorsWriter.WritePending(
            Path.Combine(directory, part, ModelParts.WeightsFile(part)), tensors, new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>Writes <c>model_index.json</c>. It comes last: a directory without it is recognized as incomplete.</summary>
    public void WriteIndex(ModelConfig shape)
    {
        var index = new JsonObject
        {
            ["_class_name"] = ModelIndex.PipelineName(shape),
            ["scheduler"] = JsonConfig.Array(["diffusers", shape.Scheduler.ClassName]),
            ["unet"] = JsonConfig.Array(["diffusers", "UNet2DConditionModel"]),
            ["vae"] = JsonConfig.Array(["diffusers", "AutoencoderKL"]),
            [ModelIndex.ZerosField] = shape.ZerosForEmptyPrompt,
            ["requires_safety_checker"] = false,
        };
        foreach (var (part, tokenizer, text) in ModelParts.TextEncoders.Zip(TokenizerFolder.Names, shape.TextEncoders))
        {
            index[part] = JsonConfig.Array(["transformers", text.ClassName]);
            index[tokenizer] = JsonConfig.Array(["transformers", "CLIPTokenizer"]);
        }

        Write(ModelIndex.FileName, Encoding.UTF8.GetBytes(index.ToJsonString(Indented) + "\n"));
    }

    /// <summary>Creates the directory of a part.</summary>
    /// <exception cref="InvalidInputException">It cannot be created.</exception>
    public string MakeFolder(string part)
    {
        try
        {
            return Directory.CreateDirectory(Path.Combine(directory, part)).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The model directory {directory} cannot be created ({e.Message}). Choose another one.", e);
        }
    }

    private void Write(string name, byte[] content)
    {
        MakeFolder(Path.GetDirectoryName(name)!);
        AtomicFile.Write(Path.Combine(directory, name), stream => stream.Write(content));
    }
}
