using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>A file with the vectors of a learned word.</summary>
internal sealed class EmbeddingFile : IDisposable
{
    /// <summary>The note that says the word, in files that have no tensor of its name.</summary>
    public const string WordNote = "word";

    private const string Anonymous = "*";

    /// <summary>Two text encoders have one tensor each, by these names, in the order of the encoders.</summary>
    public static readonly IReadOnlyList<string> NamesOfTwo = ["clip_l", "clip_g"];

    // What tools write where they write no word: it is then the file's name.
    private static readonly string[] NoWords = [Anonymous, "emb_params", .. NamesOfTwo];

    private readonly string origin;
    private readonly IReadOnlyDictionary<string, StoredWeight> tensors;
    private readonly IDisposable? owned;

    private EmbeddingFile(string origin, string word, IReadOnlyDictionary<string, StoredWeight> tensors, IReadOnlyList<string> files, IDisposable? owned)
    {
        this.origin = origin;
        this.tensors = tensors;
        this.owned = owned;
        Word = word;
        Files = files;
    }

    /// <summary>The files that decide what the word is; none where they are another one's.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Whether the word can be written in a prompt.</summary>
    public bool IsOneWord => Word.Length > 0 && !Word.Any(char.IsWhiteSpace);

    /// <summary>How prompts write the word.</summary>
    public string Word { get; }

    /// <summary>Opens a file.</summary>
    /// <exception cref="InvalidInputException">It cannot be read, or the word cannot be written in a prompt.</exception>
    public static EmbeddingFile Open(TextEmbedding embedding)
    {
        var file = StoredTensors.Open(embedding.Path);
        var word = embedding.Word ?? file.Tensors.Keys.FirstOrDefault(name => !NoWords.Contains(name))
            ?? file.Metadata.GetValueOrDefault(WordNote) ?? Path.GetFileNameWithoutExtension(embedding.Path);
        var opened = new EmbeddingFile(embedding.Path, word, file.Tensors, file.Files, file);
        if (opened.IsOneWord)
            return opened;
        opened.Dispose();
        throw new InvalidInputException(
            nameof(ModelLoadOptions.Embeddings), $"{embedding.Path} stands for \"{opened.Word}\", which is not one word.", $"Name the word: my-word={embedding.Path}.");
    }

    /// <summary>A word that is bundled with a LoRA.</summary>
    /// <param name="origin">What errors call the LoRA's file.</param>
    /// <param name="word">The word.</param>
    /// <param name="tensors">Its tensors.</param>
    public static EmbeddingFile Bundled(string origin, string word, IReadOnlyDictionary<string, StoredWeight> tensors) =>
        new($"{origin}: the bundled word \"{word}\"", word, tensors, [], owned: null);

    /// <summary>The vectors for each text encoder, [vectors, width] each, as many for one as for the other.</summary>
    /// <param name="shape">The model's shape.</param>
    /// <param name="model">What errors call the model.</param>
    /// <exception cref="InvalidInputException">The file holds something else, or was made for another kind of model.</exception>
    public IReadOnlyList<StoredWeight> Vectors(ModelConfig shape, string model)
    {
        var names = shape.TextEncoders.Count == 1 && tensors.Count == 1 ? [.. tensors.Keys] : NamesOfTwo;
        if (names.Count != shape.TextEncoders.Count || names.Count != tensors.Count || !names.All(tensors.ContainsKey))
        {
            var held = string.Join(", ", tensors.Keys.Order(StringComparer.Ordinal).Take(4).Select(name => $"\"{name}\""));
            throw Invalid(
                $"holds {(held.Length > 0 ? $"the tensors {held}" : "no tensors")}; a word for {model} has "
                + (shape.TextEncoders.Count == 1 ? "one tensor" : string.Join(" and ", NamesOfTwo)));
        }

        var vectors = names.Select(name => tensors[name]).Select(AsRows).ToList();
        foreach (var (rows, text) in vectors.Zip(shape.TextEncoders))
        {
            if (!rows.IsFloating)
                throw Invalid($"holds numbers of {rows.Type}; a word has floating-point numbers");
            if (rows.Shape is not [> 0, var width] || rows.Shape[0] != vectors[0].Shape[0])
                throw Invalid($"holds a tensor of the shape [{string.Join(", ", rows.Shape)}]; a word has [vectors, width]");
            if (width != text.HiddenSize)
                throw Invalid($"holds vectors {width} wide, but those of {model} are {text.HiddenSize} wide; it was made for another kind of model");
            if (!IsFinite(rows))
                throw Invalid("holds numbers that are infinite or none at all (NaN); the file is damaged");
        }

        return vectors;
    }

    /// <inheritdoc/>
    public void Dispose() => owned?.Dispose();

    private static bool IsFinite(StoredWeight stored)
    {
        using var scope = NewDisposeScope();
        return stored.Read().isfinite().all().ReadBoolean();
    }

    private static StoredWeight AsRows(StoredWeight stored) => stored.Shape is not [var width] ? stored
        : new StoredWeight([1, width], () => stored.Read().reshape(1, width)) { Type = stored.Type };

    private InvalidInputException Invalid(string what) => new($"{origin} {what}.");
}
