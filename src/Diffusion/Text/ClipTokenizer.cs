using System.Collections.Concurrent;
using System.Text;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>
/// CLIP's tokenizer (Radford et al., arXiv 2103.00020): lower-case byte-level BPE between a start and an end token. It also returns the
/// words that the tokens come from. Thread-safe.
/// </summary>
public sealed class ClipTokenizer
{
    /// <summary>The maximum length of CLIP's text encoders, in tokens.</summary>
    public const int DefaultMaxLength = 77;

    /// <summary>Maximum number of chunks of a prompt.</summary>
    public const int MaxChunks = 16;

    // Captions repeat a few hundred words; the bounds limit the memory for arbitrary input.
    private const int CachedWords = 1 << 15;
    private const int CachedWordLength = 64;

    private readonly BpeVocabulary vocabulary;
    private readonly TokenizerConfig config;
    private readonly IReadOnlyList<AddedToken> added;
    private readonly BytePairMerger merger;
    private readonly (string Text, int Id)[] specials;
    private readonly string?[] texts;
    private readonly ConcurrentDictionary<string, Word> cache = new(StringComparer.Ordinal);
    private int cached;

    /// <summary>Creates a tokenizer from a vocabulary with CLIP's start and end tokens; the end token is the padding.</summary>
    /// <param name="vocabulary">The vocabulary, for example from <see cref="BpeTrainer"/>.</param>
    /// <param name="maxLength">The model's maximum length in tokens, including start and end; at least 2.</param>
    internal ClipTokenizer(BpeVocabulary vocabulary, int maxLength = DefaultMaxLength)
        : this(vocabulary, new TokenizerConfig(BpeVocabulary.StartOfText, BpeVocabulary.EndOfText, BpeVocabulary.EndOfText, maxLength), [])
    {
    }

    private ClipTokenizer(BpeVocabulary vocabulary, TokenizerConfig config, IReadOnlyList<AddedToken> added)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(config.MaxLength, 2);
        this.vocabulary = vocabulary;
        this.config = config;
        // If one added word is a prefix of another, the longer one is matched first.
        this.added = [.. added.OrderByDescending(token => token.Normal.Length)];
        VocabularySize = added.Select(token => token.FirstId + token.Count).Prepend(vocabulary.Tokens.Count).Max();
        merger = new BytePairMerger(vocabulary);
        texts = new string?[VocabularySize];
        MaxLength = config.MaxLength;
        StartId = vocabulary.Id(config.Start);
        EndId = vocabulary.Id(config.End);
        PadId = vocabulary.Id(config.Pad);
        specials = [(config.Start, StartId), (config.End, EndId)];
    }

    /// <summary>The model's maximum length in tokens, including start and end.</summary>
    public int MaxLength { get; }

    /// <summary>Id of the start token.</summary>
    public int StartId { get; }

    /// <summary>Id of the end token.</summary>
    public int EndId { get; }

    /// <summary>Id of the padding token.</summary>
    public int PadId { get; }

    /// <summary>Number of ids; every id is smaller.</summary>
    public int VocabularySize { get; }

    /// <summary>
    /// Reads a tokenizer directory in the diffusers layout: <c>vocab.json</c>, <c>merges.txt</c>, <c>tokenizer_config.json</c> and,
    /// if present, <c>special_tokens_map.json</c> and <c>added_tokens.json</c>; or only <c>tokenizer.json</c>, as newer writers do.
    /// </summary>
    /// <param name="directory">The directory.</param>
    /// <param name="pad">The padding token, if it differs from the one in the files.</param>
    /// <exception cref="InvalidInputException">A file is missing or damaged, or the files do not match.</exception>
    public static ClipTokenizer Load(string directory, string? pad = null)
    {
        var config = TokenizerConfig.Load(directory);
        config = config with { Pad = pad ?? config.Pad };
        var vocabulary = BpeVocabulary.Load(directory);
        foreach (var token in new[] { config.Start, config.End, config.Pad })
        {
            if (!vocabulary.Contains(token))
            {
                throw TokenizerFile.Invalid(
                    Path.Combine(directory, TokenizerJson.IsAlone(directory) ? TokenizerJson.FileName : BpeVocabulary.VocabularyFile),
                    $"does not contain the special token \"{token}\"",
                    $"{TokenizerConfig.ConfigFile} must name tokens of the vocabulary");
            }
        }

        return new ClipTokenizer(vocabulary, config, TokenizerConfig.AddedWords(directory, vocabulary));
    }

    /// <summary>Whether another tokenizer splits every text into the same tokens; the padding may differ.</summary>
    internal bool IsLike(ClipTokenizer other) =>
        (MaxLength, StartId, EndId) == (other.MaxLength, other.StartId, other.EndId) && vocabulary.IsSame(other.vocabulary);

    /// <summary>Extends this tokenizer with added words.</summary>
    /// <param name="tokens">The added words; their ids follow those of the vocabulary.</param>
    internal ClipTokenizer With(IReadOnlyList<AddedToken> tokens) => tokens.Count == 0 ? this : new ClipTokenizer(vocabulary, config, [.. added, .. tokens]);

    /// <summary>The words that were added to the vocabulary.</summary>
    internal IReadOnlyList<string> AddedWords => [.. added.Select(token => token.Text)];

    /// <summary>The added words that a text contains, normalized.</summary>
    internal IEnumerable<string> AddedWordsIn(string text) => added.Where(token => token.IsIn(text)).Select(token => token.Normal);

    /// <summary>Whether a word was added to the vocabulary.</summary>
    public bool IsAdded(string word) => added.Any(token => token.Normal == PromptText.Normalize(word));

    /// <summary>The ids of a text between the start and the end token, without truncation.</summary>
    public IReadOnlyList<int> Encode(string text)
    {
        var ids = new List<int> { StartId };
        foreach (var word in PromptText.Words(text))
            ids.AddRange(Lookup(word).Ids);
        ids.Add(EndId);
        return ids;
    }

    /// <summary>
    /// Tokenizes a prompt for the text encoder: padded to <see cref="MaxLength"/>, or truncated so that the end token comes last.
    /// </summary>
    public TokenizedPrompt Tokenize(string text) => TokenizeChunks(text, chunks: 1);

    /// <summary>
    /// Tokenizes a prompt for a text encoder that reads it in several chunks, each <see cref="MaxLength"/> tokens long with its own start and
    /// end token. A word that does not fit into the rest of a chunk moves to the next one.
    /// </summary>
    /// <param name="text">The prompt.</param>
    /// <param name="chunks">Number of chunks; words beyond them are truncated.</param>
    public TokenizedPrompt TokenizeChunks(string text, int chunks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chunks, 1);
        var ids = new int[MaxLength * chunks];
        ids.AsSpan().Fill(PadId);
        // The position of each chunk's next token and, finally, of its end token.
        var ends = new int[chunks];
        for (var w = 0; w < chunks; w++)
        {
            ids[w * MaxLength] = StartId;
            ends[w] = (w * MaxLength) + 1;
        }

        var words = new List<PromptWord>();
        var truncated = new List<string>();
        var chunk = 0;
        foreach (var word in PromptText.Words(text).Select(Lookup))
        {
            if (Room() < word.Ids.Length && word.Ids.Length <= MaxLength - 2 && chunk < chunks - 1)
                chunk++;
            var places = new List<int>();
            foreach (var id in word.Ids)
            {
                if (Room() == 0 && chunk < chunks - 1)
                    chunk++;
                if (Room() == 0)
                    break;
                places.Add(ends[chunk]);
                ids[ends[chunk]++] = id;
            }

            if (places.Count < word.Ids.Length)
                truncated.Add(word.Text);
            else
                words.Add(word.At(places));
        }

        foreach (var end in ends)
            ids[end] = EndId;
        return new TokenizedPrompt(text, ids, [.. ids[..(ends[chunk] + 1)].Select(Text)], words, truncated) { Ends = ends };

        int Room() => ((chunk + 1) * MaxLength) - 1 - ends[chunk];
    }

    /// <summary>Number of chunks needed to read a text completely; at most <see cref="MaxChunks"/>.</summary>
    public int ChunksOf(string text)
    {
        var chunks = 1;
        while (chunks < MaxChunks && TokenizeChunks(text, chunks).Truncated.Count > 0)
            chunks++;
        return chunks;
    }

    /// <summary>The text of one token, without the space after it; incomplete characters become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id does not exist.</exception>
    public string Decode(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
        return Text(id);
    }

    /// <summary>The text of a run of tokens without special tokens; CLIP's pieces of a word are separated by spaces.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id does not exist.</exception>
    public string Decode(IEnumerable<int> ids) =>
        ByteAlphabet.Decode(ids.Where(id => id != StartId && id != EndId && id != PadId).Select(id =>
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
            return id < vocabulary.Tokens.Count ? vocabulary.Tokens[id] : Symbols(id);
        }));

    private string Text(int id) => texts[id] ??= id < vocabulary.Tokens.Count ? ByteAlphabet.Decode([vocabulary.Tokens[id]]) : Added(id)?.Name(id) ?? "";

    // An added word in the byte alphabet; its first id yields the whole word, the others nothing.
    private string Symbols(int id) => Added(id) is { } token && token.FirstId == id
        ? string.Concat(Encoding.UTF8.GetBytes(token.Text).Select(ByteAlphabet.Symbol)) + ByteAlphabet.EndOfWord
        : "";

    private AddedToken? Added(int id) => added.FirstOrDefault(token => id >= token.FirstId && id < token.FirstId + token.Count);

    private Word Lookup(string text)
    {
        if (cache.TryGetValue(text, out var word))
            return word;
        word = Analyze(text);
        if (text.Length <= CachedWordLength && cache.TryAdd(text, word) && Interlocked.Increment(ref cached) >= CachedWords)
        {
            cache.Clear();
            Interlocked.Exchange(ref cached, 0);
        }

        return word;
    }

    private Word Analyze(string text)
    {
        var normal = PromptText.Normalize(text);
        // Token positions within a word are counted in bytes, because tokens may split characters.
        var pieces = new List<(int Id, int Start, int End)>();
        var from = 0;
        for (var place = 0; place < normal.Length;)
        {
            if (added.FirstOrDefault(token => token.IsAt(normal, place)) is not { } token)
            {
                place++;
                continue;
            }

            AppendPieces(normal, from, place, pieces);
            var (first, last) = (Bytes(normal, place), Bytes(normal, place + token.Normal.Length));
            pieces.AddRange(Enumerable.Range(token.FirstId, token.Count).Select(id => (id, first, last)));
            from = place += token.Normal.Length;
        }

        AppendPieces(normal, from, normal.Length, pieces);
        var bare = PromptText.Bare(normal);
        var (start, end) = (Bytes(normal, bare.Start.Value), Bytes(normal, bare.End.GetOffset(normal.Length)));
        var bareStart = pieces.FindIndex(IsBare);
        return new Word(text, [.. pieces.Select(piece => piece.Id)], Math.Max(0, bareStart), bareStart < 0 ? 0 : pieces.FindLastIndex(IsBare) - bareStart + 1);

        bool IsBare((int Id, int Start, int End) piece) => piece.End > start && piece.Start < end;
    }

    private static int Bytes(string text, int length) => Encoding.UTF8.GetByteCount(text.AsSpan(0, length));

    private void AppendPieces(string normal, int from, int to, List<(int Id, int Start, int End)> pieces)
    {
        var ids = new List<int>();
        for (var rest = normal.AsSpan(from, to - from); rest.Length > 0;)
            rest = rest[AppendPiece(rest, ids)..];
        var position = Bytes(normal, from);
        foreach (var id in ids)
        {
            var after = position + ByteAlphabet.ByteCount(vocabulary.Tokens[id]);
            pieces.Add((id, position, after));
            position = after;
        }
    }

    private int AppendPiece(ReadOnlySpan<char> rest, List<int> ids)
    {
        foreach (var (text, id) in specials)
        {
            if (rest.StartsWith(text, StringComparison.Ordinal))
            {
                ids.Add(id);
                return text.Length;
            }
        }

        var length = PromptText.PieceLength(rest);
        merger.Append(rest[..length], ids);
        return length;
    }

    // The tokens of a word, independent of its position in a prompt.
    private sealed record Word(string Text, int[] Ids, int BareStart, int BareCount)
    {
        public PromptWord At(IReadOnlyList<int> tokens) => new(Text, tokens)
        {
            BareTokens = BareCount == Ids.Length ? tokens : [.. tokens.Skip(BareStart).Take(BareCount)],
        };
    }
}
