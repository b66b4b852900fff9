using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Metrics;

/// <summary>The config and the weights of a model of the transformers library: a folder with <c>config.json</c>, or the weights beside it.</summary>
internal static class MetricWeights
{
    private static readonly string[] Names = ["model.safetensors", "pytorch_model.bin"];

    /// <summary>Opens a model.</summary>
    /// <param name="setting">The setting that names the model.</param>
    /// <param name="path">The folder, or the file of the weights.</param>
    /// <exception cref="InvalidInputException">A file is missing or damaged.</exception>
    public static (JsonConfig Config, StoredTensors Tensors) Open(string setting, string path)
    {
        var isFolder = Directory.Exists(path);
        if (!isFolder && !File.Exists(path))
            throw new InvalidInputException(setting, $"{path} does not exist.", "Give the model's folder or its weights.");
        var folder = isFolder ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        var config = Path.Combine(folder, "config.json");
        if (!File.Exists(config))
            throw new InvalidInputException(setting, $"{folder} has no config.json.", "Download the whole model.");
        var weights = isFolder ? Names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) : path;
        return (JsonConfig.Read(config), StoredTensors.Open(weights ?? throw new InvalidInputException(
            setting, $"{folder} has no weights ({string.Join(" or ", Names)}).", "Download the whole model.")));
    }

    /// <summary>The weights on a device, for a model to take.</summary>
    /// <param name="file">The file.</param>
    /// <param name="device">The device.</param>
    public static StoredWeights On(StoredTensors file, Device device) => new(
        file.Origin,
        device.type == DeviceType.CPU ? file.Tensors : file.Tensors.ToDictionary(stored => stored.Key, stored => stored.Value with { Read = () => Moved(stored.Value, device), IsMapped = false }, StringComparer.Ordinal));

    private static Tensor Moved(StoredWeight stored, Device device)
    {
        using var read = stored.Read();
        return read.to(device);
    }
}
