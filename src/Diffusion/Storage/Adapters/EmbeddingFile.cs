using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Storage.Adapters;

/// <summary>A file with the vectors of a learned word (textual inversion embedding).</summary>
internal sealed class EmbeddingFile : IDisposable
{
    /// <summary>Metadata key of the word, for files without a tensor of that name.</summary>
    public const string WordNote = "word";

    private const string Anonymous = "*";

    /// <summary>The tensor names for models with two text encoders, in the order of the encoders.</summary>
    public static readonly IReadOnlyList<string> NamesOfTwo = ["clip_l", "clip_g"];

    // Names that tools write instead of the word; the file name is then the word.
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

    /// <summary>The files that define the word; empty for a word bundled in another file.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Whether it is part of the model's fingerprint.</summary>
    public bool IsIdentifying { get; private init; } = true;

    /// <summary>Whether the word can be written in a prompt.</summary>
    public bool IsOneWord => Word.Length > 0 && !Word.Any(char.IsWhiteSpace);

    /// <summary>The word as written in prompts.</summary>
    public string Word { get; }

    /// <summary>Opens an embedding file.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or the word cannot be written in a prompt.</exception>
    public static EmbeddingFile Open(TextEmbedding embedding)
    {
        var file = StoredTensors.Open(embedding.Path);
        var word = embedding.Word ?? file.Tensors.Keys.FirstOrDefault(name => !NoWords.Contains(name))
            ?? file.Metadata.GetValueOrDefault(WordNote) ?? Path.GetFileNameWithoutExtension(embedding.Path);
        var opened = new EmbeddingFile(embedding.Path, word, file.Tensors, file.Files, file) { IsIdentifying = embedding.IsIdentifying };
        if (opened.IsOneWord)
            return opened;
        opened.Dispose();
        throw new InvalidInputException(
            nameof(ModelLoadOptions.Embeddings), $"The word of {embedding.Path} would be \"{opened.Word}\", which is not a single word.", $"Name the word: my-word={embedding.Path}.");
    }

    /// <summary>A word that is bundled with a LoRA.</summary>
    /// <param name="origin">Path of the LoRA file, for errors.</param>
    /// <param name="word">The word.</param>
    /// <param name="tensors">Its tensors.</param>
    public static EmbeddingFile Bundled(string origin, string word, IReadOnlyDictionary<string, StoredWeight> tensors) =>
        new($"{origin}: the bundled word \"{word}\"", word, tensors, [], owned: null);

    /// <summary>The vectors for each text encoder, [vectors, width] each, equally many for all encoders.</summary>
    /// <param name="shape">The model's config.</param>
    /// <param name="model">The model's name in errors.</param>
    /// <exception cref="InvalidInputException">The file contains something else, or was made for another type of model.</exception>
    public IReadOnlyList<StoredWeight> Vectors(ModelConfig shape, string model)
    {
        var names = shape.TextEncoders.Count == 1 && tensors.Count == 1 ? [.. tensors.Keys] : NamesOfTwo;
        if (names.Count != shape.TextEncoders.Count || names.Count != tensors.Count || !names.All(tensors.ContainsKey))
        {
            var held = string.Join(", ", tensors.Keys.Order(StringComparer.Ordinal).Take(4).Select(name => $"\"{name}\""));
            throw Invalid(
                $"contains {(held.Length > 0 ? $"the tensors {held}" : "no tensors")}; a word for {model} has "
                + (shape.TextEncoders.Count == 1 ? "one tensor" : string.Join(" and ", NamesOfTwo)));
        }

        var vectors = names.Select(name => tensors[name]).Select(AsRows).ToList();
        foreach (var (rows, text) in vectors.Zip(shape.TextEncoders))
        {
            if (!rows.IsFloating)
                throw Invalid($"contains numbers of type {rows.Type}; the vectors of a word must be floating-point numbers");
            if (rows.Shape is not [> 0, var width] || rows.Shape[0] != vectors[0].Shape[0])
                throw Invalid($"contains a tensor of shape [{string.Join(", ", rows.Shape)}]; the vectors of a word have shape [vectors, width]");
            if (width != text.HiddenSize)
                throw Invalid($"contains vectors of width {width}, but {model} needs width {text.HiddenSize}; it was made for another type of model");
            if (!IsFinite(rows))
                throw Invalid("contains NaN or infinite values; the file is damaged");
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
