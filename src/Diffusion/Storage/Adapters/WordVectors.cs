using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>A learned word in memory.</summary>
/// <param name="Word">How prompts write it.</param>
/// <param name="Vectors">Its vectors for each text encoder, [vectors, width], as many for one as for the other.</param>
public sealed record WordVectors(string Word, IReadOnlyList<Tensor> Vectors)
{
    /// <summary>Writes the word so that <see cref="TextEmbedding"/> and other programs read it, whole or not at all.</summary>
    /// <param name="path">A <c>.safetensors</c> file.</param>
    /// <exception cref="InvalidInputException">The file cannot be written there.</exception>
    public void Save(string path) => SafetensorsWriter.Write(
        path,
        Vectors.Count == 1 ? [KeyValuePair.Create(Word, Vectors[0])] : EmbeddingFile.NamesOfTwo.Zip(Vectors, KeyValuePair.Create),
        new Dictionary<string, string> { ["format"] = "pt", [EmbeddingFile.WordNote] = Word });
}
