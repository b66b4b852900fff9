using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>Words learned by textual inversion: rows appended to the text encoders' token embeddings, with their ids.</summary>
internal sealed class LearnedWords : IDisposable
{
    private const string TokenEmbedding = "text_model.embeddings.token_embedding.weight";
    private const int HashLength = 32;

    private readonly List<EmbeddingFile> files = [];
    private readonly List<IReadOnlyList<StoredWeight>> vectors = [];
    private readonly List<AddedToken> tokens = [];
    private readonly List<LoraFile> bundles = [];
    private readonly List<string> notes = [];

    /// <param name="embeddings">The embedding files.</param>
    /// <param name="loras">LoRAs, which may contain bundled words.</param>
    /// <param name="model">The model's name in errors.</param>
    /// <param name="shape">The model's config without the words.</param>
    /// <exception cref="InvalidInputException">A file is not an embedding, or was made for another type of model.</exception>
    public LearnedWords(IReadOnlyList<TextEmbedding> embeddings, IReadOnlyList<Lora> loras, string model, ModelConfig shape)
    {
        try
        {
            var next = shape.TextEncoder.VocabularySize;
            files.AddRange(embeddings.Select(EmbeddingFile.Open));
            foreach (var lora in loras)
            {
                var bundle = LoraFile.Open(lora);
                bundles.Add(bundle);
                files.AddRange(bundle.Words.Select(word => EmbeddingFile.Bundled(lora.Path, word.Word, word.Tensors)));
            }

            notes.AddRange(files.Where(file => !file.IsOneWord).Select(file => $"\"{file.Word}\" (bundled with a LoRA) is empty or contains spaces, and is ignored"));
            files.RemoveAll(file => !file.IsOneWord);
            foreach (var file in files)
            {
                vectors.Add(file.Vectors(shape, model));
                tokens.Add(new AddedToken(file.Word, next, (int)vectors[^1][0].Shape[0]));
                next += tokens[^1].Count;
            }

            if (tokens.GroupBy(token => token.Normal).FirstOrDefault(group => group.Count() > 1) is { } same)
                throw new InvalidInputException(nameof(ModelLoadOptions.Embeddings), $"Two embeddings define the word \"{same.First().Text}\".", "Give one another word: my-word=FILE.");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The words that files define, normalized for comparison. Only headers are read.</summary>
    /// <param name="embeddings">The embedding files.</param>
    /// <param name="loras">LoRAs, which may contain bundled words.</param>
    /// <exception cref="InvalidInputException">A file is not an embedding or a LoRA.</exception>
    public static HashSet<string> DefinedBy(IEnumerable<TextEmbedding> embeddings, IEnumerable<Lora> loras)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        foreach (var embedding in embeddings)
        {
            using var file = EmbeddingFile.Open(embedding);
            words.Add(PromptText.Normalize(file.Word));
        }

        foreach (var lora in loras)
        {
            using var file = LoraFile.Open(lora);
            words.UnionWith(file.Words.Select(word => PromptText.Normalize(word.Word)));
        }

        return words;
    }

    /// <summary>The words.</summary>
    public IReadOnlyList<AddedToken> Tokens => tokens;

    /// <summary>Whether words of embedding files are part of the model's fingerprint.</summary>
    public bool AreEmbeddingsIdentifying => files.Exists(file => file.IsIdentifying && file.Files.Count > 0);

    /// <summary>The words that are part of the model's fingerprint, and their files, except LoRAs.</summary>
    /// <param name="withEmbeddings">Whether to include those of embedding files.</param>
    public (IEnumerable<string> Words, IEnumerable<string> Files) Identifying(bool withEmbeddings)
    {
        var identifying = files.Where(file => file.IsIdentifying && (withEmbeddings || file.Files.Count == 0));
        return (identifying.Select(file => file.Word), identifying.SelectMany(file => file.Files));
    }

    /// <summary>A hash of the vectors of each word of an embedding file, by its normalized word. Words of LoRAs are identified by the LoRAs.</summary>
    public IReadOnlyDictionary<string, string> Hashes()
    {
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var k = 0; k < files.Count; k++)
        {
            if (files[k].Files.Count > 0)
                hashes.Add(tokens[k].Normal, HashOf(vectors[k]));
        }

        return hashes;
    }

    /// <summary>Warnings for the user; usually empty.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>Adds the words to a model's config.</summary>
    public ModelConfig AddTo(ModelConfig shape)
    {
        var count = tokens.Sum(token => token.Count);
        return count == 0 ? shape : shape with
        {
            TextEncoder = shape.TextEncoder with { VocabularySize = shape.TextEncoder.VocabularySize + count },
            TextEncoder2 = shape.TextEncoder2 is { } second ? second with { VocabularySize = second.VocabularySize + count } : null,
        };
    }

    /// <summary>Adds the words' vectors to a part's weights.</summary>
    public PartWeights AddTo(string part, PartWeights weights)
    {
        var encoder = ModelParts.TextEncoders.ToList().IndexOf(part);
        if (tokens.Count == 0 || encoder < 0 || !weights.Tensors.TryGetValue(TokenEmbedding, out var stored))
            return weights;
        var added = vectors.ConvertAll(word => word[encoder]);
        // Words may be stored at a higher precision than the model.
        var type = added.TrueForAll(rows => rows.Type == stored.Type) ? stored.Type : ScalarType.Float32;
        return weights with
        {
            Tensors = new Dictionary<string, StoredWeight>(weights.Tensors, StringComparer.Ordinal)
            {
                [TokenEmbedding] = new([stored.Shape[0] + added.Sum(rows => rows.Shape[0]), .. stored.Shape.Skip(1)], () =>
                {
                    using var scope = NewDisposeScope();
                    var whole = stored.Read();
                    return cat([whole.to(type), .. added.Select(rows => rows.Read().to(type))], 0).MoveToOuterDisposeScope();
                })
                { Type = type },
            },
        };
    }

    private static string HashOf(IReadOnlyList<StoredWeight> vectors)
    {
        using var _ = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var rows in vectors)
        {
            using var scope = NewDisposeScope();
            hash.AppendData(MemoryMarshal.AsBytes<float>(rows.Read().to(ScalarType.Float32).contiguous().cpu().data<float>().ToArray()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..HashLength];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        files.ForEach(file => file.Dispose());
        bundles.ForEach(bundle => bundle.Dispose());
    }
}
