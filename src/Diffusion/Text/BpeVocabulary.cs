using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>
/// A byte-level BPE vocabulary in CLIP's form: 256 byte symbols, the same 256 as word endings, one token per merge, and the
/// special tokens. Files: <c>vocab.json</c> (token to id) and <c>merges.txt</c> (one pair per line, in the order learned).
/// </summary>
internal sealed class BpeVocabulary
{
    /// <summary>CLIP's token before every prompt.</summary>
    public const string StartOfText = "<|startoftext|>";

    /// <summary>CLIP's token after every prompt.</summary>
    public const string EndOfText = "<|endoftext|>";

    internal const string VocabularyFile = "vocab.json";
    internal const string MergesFile = "merges.txt";
    private const string MergesHeader = "#version: 0.2";
    private const string Advice = "copy the tokenizer directory from its source again";

    private readonly Dictionary<string, int> ids;

    internal BpeVocabulary(IReadOnlyList<string> tokens, IReadOnlyList<(string Left, string Right)> merges)
    {
        Tokens = tokens;
        Merges = merges;
        ids = new(tokens.Count, StringComparer.Ordinal);
        for (var id = 0; id < tokens.Count; id++)
            ids.Add(tokens[id], id);
    }

    /// <summary>The tokens by id, in the byte alphabet of the files.</summary>
    public IReadOnlyList<string> Tokens { get; }

    /// <summary>The pairs to merge, in the order learned.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges { get; }

    /// <summary>Whether another vocabulary has the same tokens and merges.</summary>
    internal bool IsSame(BpeVocabulary other) => Tokens.SequenceEqual(other.Tokens) && Merges.SequenceEqual(other.Merges);

    /// <summary>Reads a directory's <c>vocab.json</c> and <c>merges.txt</c>, or its <c>tokenizer.json</c> if they are missing.</summary>
    /// <exception cref="InvalidInputException">A file is missing or damaged, or the files do not match.</exception>
    public static BpeVocabulary Load(string directory)
    {
        var tokensPath = Path.Combine(directory, VocabularyFile);
        var mergesPath = Path.Combine(directory, MergesFile);
        BpeVocabulary vocabulary;
        if (TokenizerJson.IsAlone(directory))
        {
            var file = TokenizerJson.Read(directory);
            tokensPath = mergesPath = Path.Combine(directory, TokenizerJson.FileName);
            vocabulary = new BpeVocabulary(ReadTokens(tokensPath, file.Vocabulary, file.Added.Where(token => token.IsSpecial)), [.. file.Merges]);
        }
        else
        {
            using var json = TokenizerFile.ReadJson(tokensPath);
            vocabulary = new BpeVocabulary(ReadTokens(tokensPath, json.RootElement, []), ReadMerges(mergesPath));
        }

        foreach (var symbol in ByteAlphabet.Symbols)
        {
            if (!vocabulary.Contains(symbol) || !vocabulary.Contains(symbol + ByteAlphabet.EndOfWord))
                throw TokenizerFile.Invalid(tokensPath, $"has no token for the byte symbol \"{symbol}\"", Advice);
        }

        foreach (var (left, right) in vocabulary.Merges)
        {
            if (!vocabulary.Contains(left) || !vocabulary.Contains(right) || !vocabulary.Contains(left + right))
                throw TokenizerFile.Invalid(mergesPath, $"merges \"{left} {right}\", which is not in {Path.GetFileName(tokensPath)}", Advice);
        }

        return vocabulary;
    }

    /// <summary>
    /// Writes the four files of a tokenizer directory (vocabulary, merges and the two configs) for
    /// <see cref="ClipTokenizer.Load"/>. The end token is the padding token, as in Stable Diffusion 1.x.
    /// </summary>
    /// <param name="directory">The directory; created if it does not exist.</param>
    /// <param name="maxLength">The model's maximum length in tokens, including start and end.</param>
    public void Save(string directory, int maxLength = ClipTokenizer.DefaultMaxLength)
    {
        Directory.CreateDirectory(directory);
        var options = new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        var ids = Tokens.Select((token, id) => KeyValuePair.Create(token, id)).ToDictionary();
        AtomicFile.WriteText(Path.Combine(directory, VocabularyFile), JsonSerializer.Serialize(ids, options));
        var merges = new StringBuilder(MergesHeader).Append('\n');
        foreach (var (left, right) in Merges)
            merges.Append(left).Append(' ').Append(right).Append('\n');
        AtomicFile.WriteText(Path.Combine(directory, MergesFile), merges.ToString());
        new TokenizerConfig(StartOfText, EndOfText, EndOfText, maxLength).Save(directory);
    }

    /// <summary>
    /// Pads the vocabulary with unused ids, for a text encoder with more rows than this vocabulary has tokens. The fillers precede the
    /// two special tokens, which stay last, as in CLIP.
    /// </summary>
    /// <param name="size">The new number of tokens.</param>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary already has more tokens.</exception>
    public BpeVocabulary PadTo(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, Tokens.Count);
        var fillers = Enumerable.Range(0, size - Tokens.Count).Select(i => $"<|filler{i}|>");
        return new BpeVocabulary([.. Tokens.Where(token => !IsSpecial(token)), .. fillers, StartOfText, EndOfText], Merges);

        static bool IsSpecial(string token) => token is StartOfText or EndOfText;
    }

    internal bool Contains(string token) => ids.ContainsKey(token);

    internal int Id(string token) => ids[token];

    private static string[] ReadTokens(string path, JsonElement vocabulary, IEnumerable<(string Text, int Id, bool IsSpecial)> special)
    {
        // Special tokens may be listed outside the vocabulary, or in both places.
        var further = special.Where(token => !vocabulary.TryGetProperty(token.Text, out _)).ToList();
        var tokens = new string[vocabulary.GetPropertyCount() + further.Count];
        var range = $"a number from 0 to {tokens.Length - 1}";
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (text, id, _) in further)
        {
            if (id >= tokens.Length || tokens[id] is not null || !seen.Add(text))
                throw TokenizerFile.Invalid(path, $"gives the special token \"{text}\" the id {id}, which is taken or is not {range}", Advice);
            tokens[id] = text;
        }

        foreach (var entry in vocabulary.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out var id) || id < 0 || id >= tokens.Length)
                throw TokenizerFile.Invalid(path, $"gives \"{entry.Name}\" an id that is not {range}", Advice);
            if (tokens[id] is not null || !seen.Add(entry.Name))
                throw TokenizerFile.Invalid(path, $"lists the token \"{entry.Name}\" or its id {id} twice", Advice);
            tokens[id] = entry.Name;
        }

        return tokens;
    }

    private static List<(string, string)> ReadMerges(string path)
    {
        var merges = new List<(string, string)>();
        var text = TokenizerFile.ReadText(path);
        var other = FileSignature.Of(Encoding.UTF8.GetBytes(text));
        if (other is { Format: FileFormat.Other })
            throw TokenizerFile.Foreign(path, other);
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].TrimEnd('\r');
            // Only the first line can be a header: "#" is an ordinary symbol, and CLIP has merges that start with it.
            if (line.Length == 0 || (i == 0 && line.StartsWith("#version", StringComparison.Ordinal)))
                continue;
            var parts = line.Split(' ');
            if (parts.Length != 2 || parts[0].Length == 0 || parts[1].Length == 0)
                throw other is { Format: not FileFormat.Text } ? TokenizerFile.Foreign(path, other) : TokenizerFile.Invalid(path, $"line {i + 1} is not a pair of tokens", Advice);
            merges.Add((parts[0], parts[1]));
        }

        return merges;
    }
}
