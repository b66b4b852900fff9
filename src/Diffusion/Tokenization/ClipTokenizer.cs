using System.Collections.Concurrent;
using System.Text;

namespace PromptToPrompt.Diffusion.Tokenization;

/// <summary>
/// CLIP's tokenizer (Radford et al., arXiv 2103.00020): lower-cased byte-level BPE between a start and an end token, with the words that
/// the tokens came from. Safe to use from several threads.
/// </summary>
public sealed class ClipTokenizer
{
    /// <summary>The length of CLIP's text encoders, in tokens.</summary>
    public const int DefaultMaxLength = 77;

    /// <summary>More windows than this are not made of a prompt.</summary>
    public const int MostWindows = 16;

    // Captions repeat a few hundred words; the bounds keep arbitrary input from filling the memory.
    private const int CachedWords = 1 << 15;
    private const int CachedWordLength = 64;

    private readonly BpeVocabulary vocabulary;
    private readonly BytePairMerger merger;
    private readonly (string Text, int Id)[] specials;
    private readonly string?[] texts;
    private readonly ConcurrentDictionary<string, Word> cache = new(StringComparer.Ordinal);
    private int cached;

    /// <summary>A tokenizer of a vocabulary with CLIP's own start and end tokens, padded with the end token.</summary>
    /// <param name="vocabulary">The vocabulary, as <see cref="BpeTrainer"/> makes it.</param>
    /// <param name="maxLength">The model's length in tokens, start and end included: 2 or more.</param>
    public ClipTokenizer(BpeVocabulary vocabulary, int maxLength = DefaultMaxLength)
        : this(vocabulary, new TokenizerConfig(BpeVocabulary.StartOfText, BpeVocabulary.EndOfText, BpeVocabulary.EndOfText, maxLength))
    {
    }

    private ClipTokenizer(BpeVocabulary vocabulary, TokenizerConfig config)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(config.MaxLength, 2);
        this.vocabulary = vocabulary;
        merger = new BytePairMerger(vocabulary);
        texts = new string?[vocabulary.Tokens.Count];
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

    /// <summary>Number of tokens; every id is below it.</summary>
    public int VocabularySize => vocabulary.Tokens.Count;

    /// <summary>
    /// Reads a tokenizer directory in the diffusers layout: <c>vocab.json</c>, <c>merges.txt</c>, <c>tokenizer_config.json</c> and,
    /// where present, <c>special_tokens_map.json</c>.
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
                    Path.Combine(directory, BpeVocabulary.VocabularyFile),
                    $"does not know the special token \"{token}\"",
                    $"{TokenizerConfig.ConfigFile} must name tokens of the vocabulary");
            }
        }

        return new ClipTokenizer(vocabulary, config);
    }

    /// <summary>Whether another tokenizer splits every text into the same tokens; what they fill up with may differ.</summary>
    internal bool IsLike(ClipTokenizer other) =>
        (MaxLength, StartId, EndId) == (other.MaxLength, other.StartId, other.EndId) && vocabulary.IsSame(other.vocabulary);

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
    public TokenizedPrompt Tokenize(string text) => TokenizeWindows(text, windows: 1);

    /// <summary>
    /// A prompt for a text encoder that reads it in several windows, each of <see cref="MaxLength"/> with a start and an end of its own. A word
    /// that does not fit into what is left of a window stands in the next one.
    /// </summary>
    /// <param name="text">The prompt.</param>
    /// <param name="windows">How many windows; what does not fit into them is truncated.</param>
    public TokenizedPrompt TokenizeWindows(string text, int windows)
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

    /// <summary>How many windows it takes to read all of a text; <see cref="MostWindows"/> for texts that are longer still.</summary>
    public int WindowsOf(string text)
    {
        var windows = 1;
        while (windows < MostWindows && TokenizeWindows(text, windows).Truncated.Count > 0)
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
            return vocabulary.Tokens[id];
        }));

    private string Text(int id) => texts[id] ??= ByteAlphabet.Decode([vocabulary.Tokens[id]]);

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
        var ids = new List<int>();
        for (var rest = normal.AsSpan(); rest.Length > 0;)
            rest = rest[AppendPiece(rest, ids)..];

        // A token's place in the word is counted in bytes, since tokens may cut characters.
        var bare = PromptText.Bare(normal);
        var start = Encoding.UTF8.GetByteCount(normal[..bare.Start.Value]);
        var end = start + Encoding.UTF8.GetByteCount(normal[bare]);
        int position = 0, bareStart = ids.Count, bareEnd = 0;
        for (var i = 0; i < ids.Count; i++)
        {
            var after = position + ByteAlphabet.ByteCount(vocabulary.Tokens[ids[i]]);
            if (after > start && position < end)
            {
                bareStart = Math.Min(bareStart, i);
                bareEnd = i + 1;
            }

            position = after;
        }

        return new Word(text, [.. ids], bareStart, bareEnd - bareStart);
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
