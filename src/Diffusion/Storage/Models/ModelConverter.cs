using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>Writes a model in another format or type, with only one tensor in memory at a time. libtorch must be loaded.</summary>
internal static class ModelConverter
{
    /// <summary>Writes a model directory in the diffusers layout.</summary>
    /// <param name="model">A model directory or a single file.</param>
    /// <param name="directory">The directory to create.</param>
    /// <param name="dtype">Type of the written weights; null to keep the stored types.</param>
    /// <param name="options">The load options.</param>
    /// <param name="cancellationToken">Checked before each tensor.</param>
    /// <exception cref="InvalidInputException">The model is invalid, or the directory cannot be written.</exception>
    public static void ToDirectory(string model, string directory, ScalarType? dtype, ModelLoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var files = OpenSound(model, options);
        var writer = new ModelDirectoryWriter(directory);
        foreach (var (tokenizer, name) in files.Tokenizers.Zip(TokenizerFolder.Names))
            tokenizer.CopyTo(writer.MakeFolder(name));
        foreach (var part in ModelParts.Configured(files.Shape))
            writer.WriteConfig(part, files.ConfigText(part));
        foreach (var part in ModelParts.Of(files.Shape))
            writer.WriteWeights(part, Needed(files, part).Select(tensor => Pending(tensor.Key, tensor.Value, dtype, cancellationToken)));
        writer.WriteIndex(files.Shape);
    }

    /// <summary>Writes a single file in the original layout, which most other programs read. It does not include a tokenizer.</summary>
    /// <param name="model">A model directory or a single file.</param>
    /// <param name="file">The <c>.safetensors</c> file to create.</param>
    /// <param name="dtype">Type of the written weights; null to keep the stored types.</param>
    /// <param name="options">The load options.</param>
    /// <param name="cancellationToken">Checked before each tensor.</param>
    /// <exception cref="InvalidInputException">The model is invalid, or the file cannot be written.</exception>
    public static void ToSingleFile(string model, string file, ScalarType? dtype, ModelLoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var files = OpenSound(model, options);
        var tables = SingleFileLayout.Of(files.Shape).Tables;
        var tensors = ModelParts.Of(files.Shape).SelectMany(part => Needed(files, part)
            .Select(tensor => (Row: Original(tables[part], tensor.Key), Stored: tensor.Value))
            .GroupBy(tensor => tensor.Row.Original, StringComparer.Ordinal)
            .Select(group => Pending(group.Key, KeyConversion.ToOriginal(group.Key, [.. group]), dtype, cancellationToken)));
        SafetensorsWriter.WritePending(file, tensors, SingleFileNotes.Write(files));
    }

    private static ModelFiles OpenSound(string model, ModelLoadOptions? options)
    {
        var files = ModelFiles.Open(model, options);
        if (ModelCheck.Of(model, options).Any(part => !part.IsSound))
        {
            files.Dispose();
            throw new InvalidInputException($"The model {model} has missing or extra tensors, or tensors of the wrong shape, and cannot be converted. A check of the model lists them.");
        }

        return files;
    }

    private static IEnumerable<KeyValuePair<string, StoredWeight>> Needed(ModelFiles files, string part) =>
        files.Weights(part).Tensors.Where(tensor => !ModelParts.MayIgnore(tensor.Key));

    private static KeyRow Original(KeyTable table, string name) => table.ToOriginal(AutoencoderKeys.NewName(name))
        ?? throw new InvalidInputException($"The tensor \"{name}\" has no name in the single-file layout. Keep this model as a directory.");

    private static PendingTensor Pending(string name, StoredWeight stored, ScalarType? dtype, CancellationToken cancellationToken)
    {
        var type = dtype ?? stored.Type;
        return new PendingTensor(name, type, stored.Shape, () =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            return stored.Read().to(type);
        });
    }
}
