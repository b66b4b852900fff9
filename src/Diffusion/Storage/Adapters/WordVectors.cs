using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>A learned word in memory.</summary>
/// <param name="Word">The word as written in prompts.</param>
/// <param name="Vectors">Its vectors for each text encoder, [vectors, width], equally many for all encoders.</param>
internal sealed record WordVectors(string Word, IReadOnlyList<Tensor> Vectors)
{
    /// <summary>Writes the word atomically, in the format that <see cref="TextEmbedding"/> and other programs read.</summary>
    /// <param name="path">Path of a <c>.safetensors</c> file.</param>
    /// <exception cref="InvalidInputException">The file cannot be created.</exception>
    public void Save(string path) => SafetensorsWriter.Write(
        path,
        Vectors.Count == 1 ? [KeyValuePair.Create(Word, Vectors[0])] : EmbeddingFile.NamesOfTwo.Zip(Vectors, KeyValuePair.Create),
        new Dictionary<string, string> { ["format"] = "pt", [EmbeddingFile.WordNote] = Word });
}
