using System.Collections.Concurrent;
using System.Text;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>
/// CLIP's tokenizer (Radford et al., arXiv 2103.00020): lower-cased byte-level BPE between a start and an end token, with the words that
/// the tokens came from. Safe to use from several threads.
/// </summary>
public sealed class ClipTokenizer
{
    /// <summary>The length of CLIP's text encoders, in tokens.</summary>
    public const int DefaultMaxLength = 77;

    /// <summary>More windows than this are not made of a prompt.</summary>
    public const int MaxChunks = 16;

    // Captions repeat a few hundred words; the bounds keep arbitrary input from filling the memory.
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

    /// <summary>A tokenizer of a vocabulary with CLIP's own start and end tokens, padded with the end token.</summary>
    /// <param name="vocabulary">The vocabulary, as <see cref="BpeTrainer"/> makes it.</param>
    /// <param name="maxLength">The model's length in tokens, start and end included: 2 or more.</param>
    internal ClipTokenizer(BpeVocabulary vocabulary, int maxLength = DefaultMaxLength)
        : this(vocabulary, new TokenizerConfig(BpeVocabulary.StartOfText, BpeVocabulary.EndOfText, BpeVocabulary.EndOfText, maxLength), [])
    {
    }

    private ClipTokenizer(BpeVocabulary vocabulary, TokenizerConfig config, IReadOnlyList<AddedToken> added)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(config.MaxLength, 2);
        this.vocabulary = vocabulary;
        this.config = config;
        // Where one begins another, the longer is meant.
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

    /// <summary>The model's length in tokens, start and end included.</summary>
    public int MaxLength { get; }

    /// <summary>Id of the token before every prompt.</summary>
    public int StartId { get; }

    /// <summary>Id of the token after every prompt.</summary>
    public int EndId { get; }

    /// <summary>Id that fills a prompt up to <see cref="MaxLength"/>.</summary>
    public int PadId { get; }

    /// <summary>Every id is below it.</summary>
    public int VocabularySize { get; }

    /// <summary>
    /// Reads a tokenizer directory in the diffusers layout: <c>vocab.json</c>, <c>merges.txt</c>, <c>tokenizer_config.json</c> and,
    /// where present, <c>special_tokens_map.json</c> and <c>added_tokens.json</c>; or <c>tokenizer.json</c> alone, as newer writers leave it.
    /// </summary>
    /// <param name="directory">The directory.</param>
    /// <param name="pad">The token that fills up prompts, where it is another than the files say.</param>
    /// <exception cref="InvalidInputException">A file is missing or damaged, or the files do not belong together.</exception>
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
                    $"does not know the special token \"{token}\"",
                    $"{TokenizerConfig.ConfigFile} must name tokens of the vocabulary");
            }
        }

        return new ClipTokenizer(vocabulary, config, TokenizerConfig.AddedWords(directory, vocabulary));
    }

    /// <summary>Whether another tokenizer splits every text into the same tokens; what they fill up with may differ.</summary>
    internal bool IsLike(ClipTokenizer other) =>
        (MaxLength, StartId, EndId) == (other.MaxLength, other.StartId, other.EndId) && vocabulary.IsSame(other.vocabulary);

    /// <summary>This tokenizer with further words.</summary>
    /// <param name="tokens">The words; their ids follow those of the vocabulary.</param>
    internal ClipTokenizer With(IReadOnlyList<AddedToken> tokens) => tokens.Count == 0 ? this : new ClipTokenizer(vocabulary, config, [.. added, .. tokens]);

    /// <summary>Whether a word was added to the vocabulary.</summary>
    public bool IsAdded(string word) => added.Any(token => token.Normal == PromptText.Normalize(word));

    /// <summary>The ids of a text between the start and the end token, never truncated.</summary>
    public IReadOnlyList<int> Encode(string text)
    {
        var ids = new List<int> { StartId };
        foreach (var word in PromptText.Words(text))
            ids.AddRange(Lookup(word).Ids);
        ids.Add(EndId);
        return ids;
    }

    /// <summary>
    /// A prompt as the text encoder takes it: padded to <see cref="MaxLength"/>, or truncated so that the end token is the last one.
    /// </summary>
    public TokenizedPrompt Tokenize(string text) => TokenizeChunks(text, windows: 1);

    /// <summary>
    /// A prompt for a text encoder that reads it in several windows, each of <see cref="MaxLength"/> with a start and an end of its own. A word
    /// that does not fit into what is left of a window stands in the next one.
    /// </summary>
    /// <param name="text">The prompt.</param>
    /// <param name="windows">How many windows; what does not fit into them is truncated.</param>
    public TokenizedPrompt TokenizeChunks(string text, int windows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(windows, 1);
        var ids = new int[MaxLength * windows];
        ids.AsSpan().Fill(PadId);
        // Where the next token of each window goes, and in the end its end token.
        var ends = new int[windows];
        for (var w = 0; w < windows; w++)
        {
            ids[w * MaxLength] = StartId;
            ends[w] = (w * MaxLength) + 1;
        }

        var words = new List<PromptWord>();
        var truncated = new List<string>();
        var window = 0;
        foreach (var word in PromptText.Words(text).Select(Lookup))
        {
            if (Room() < word.Ids.Length && word.Ids.Length <= MaxLength - 2 && window < windows - 1)
                window++;
            var places = new List<int>();
            foreach (var id in word.Ids)
            {
                if (Room() == 0 && window < windows - 1)
                    window++;
                if (Room() == 0)
                    break;
                places.Add(ends[window]);
                ids[ends[window]++] = id;
            }

            if (places.Count < word.Ids.Length)
                truncated.Add(word.Text);
            else
                words.Add(word.At(places));
        }

        foreach (var end in ends)
            ids[end] = EndId;
        return new TokenizedPrompt(text, ids, [.. ids[..(ends[window] + 1)].Select(Text)], words, truncated) { Ends = ends };

        int Room() => ((window + 1) * MaxLength) - 1 - ends[window];
    }

    /// <summary>How many windows it takes to read all of a text; <see cref="MaxChunks"/> for texts that are longer still.</summary>
    public int ChunksOf(string text)
    {
        var windows = 1;
        while (windows < MaxChunks && TokenizeChunks(text, windows).Truncated.Count > 0)
            windows++;
        return windows;
    }

    /// <summary>The text of one token, without the space after it; bytes that are only a part of a character read as U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such id.</exception>
    public string Decode(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
        return Text(id);
    }

    /// <summary>The text of a run of tokens, special ones left out; between the pieces of a word that CLIP cuts there is a space.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such id.</exception>
    public string Decode(IEnumerable<int> ids) =>
        ByteAlphabet.Decode(ids.Where(id => id != StartId && id != EndId && id != PadId).Select(id =>
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularySize);
            return id < vocabulary.Tokens.Count ? vocabulary.Tokens[id] : Symbols(id);
        }));

    private string Text(int id) => texts[id] ??= id < vocabulary.Tokens.Count ? ByteAlphabet.Decode([vocabulary.Tokens[id]]) : Added(id)?.Name(id) ?? "";

    // An added word in the byte alphabet: all of it at its first id.
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
        // A token's place in the word is counted in bytes, since tokens may cut characters.
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

    // A word's tokens, wherever in a prompt it stands.
    private sealed record Word(string Text, int[] Ids, int BareStart, int BareCount)
    {
        public PromptWord At(IReadOnlyList<int> tokens) => new(Text, tokens)
        {
            BareTokens = BareCount == Ids.Length ? tokens : [.. tokens.Skip(BareStart).Take(BareCount)],
        };
    }
}
