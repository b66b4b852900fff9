using System.Text;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>Learns a byte-level BPE vocabulary (Sennrich et al., arXiv 1508.07909) in CLIP's form from captions.</summary>
internal static class BpeTrainer
{
    /// <summary>
    /// Learns merges, the most frequent pair first; ties go to the pair with the lowest ids. The result depends on the
    /// captions' pieces and their frequencies, not on their order. With enough merges every piece becomes one token.
    /// </summary>
    /// <param name="captions">The texts; they are read once, and only their distinct words are kept.</param>
    /// <param name="merges">Maximum number of merges; fewer if nothing is left to merge. Time: merges × distinct words.</param>
    public static BpeVocabulary Train(IEnumerable<string> captions, int merges)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(merges);
        var tokens = ByteAlphabet.Symbols.Concat(ByteAlphabet.Symbols.Select(symbol => symbol + ByteAlphabet.EndOfWord)).ToList();
        var ids = tokens.Select((token, id) => KeyValuePair.Create(token, id)).ToDictionary(StringComparer.Ordinal);
        var pieces = CountPieces(captions).Select(piece => (Symbols: Spell(piece.Key, ids), Count: piece.Value)).ToArray();
        var learned = new List<(string Left, string Right)>();
        while (learned.Count < merges && MostFrequentPair(pieces) is { } pair)
        {
            var (left, right) = (tokens[pair.Left], tokens[pair.Right]);
            learned.Add((left, right));
            // Two different merges can produce the same token: "ab" + "c" and "a" + "bc".
            if (ids.TryAdd(left + right, tokens.Count))
                tokens.Add(left + right);
            foreach (var (symbols, _) in pieces)
                Merge(symbols, pair, ids[left + right]);
        }

        return new BpeVocabulary([.. tokens, BpeVocabulary.StartOfText, BpeVocabulary.EndOfText], learned);
    }

    private static Dictionary<string, long> CountPieces(IEnumerable<string> captions)
    {
        var words = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var word in captions.SelectMany(PromptText.Words))
            words[word] = words.GetValueOrDefault(word) + 1;
        var pieces = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (word, count) in words)
        {
            for (var rest = PromptText.Normalize(word); rest.Length > 0;)
            {
                var piece = rest[..PromptText.PieceLength(rest)];
                pieces[piece] = pieces.GetValueOrDefault(piece) + count;
                rest = rest[piece.Length..];
            }
        }

        return pieces;
    }

    private static List<int> Spell(string piece, Dictionary<string, int> ids)
    {
        var symbols = Encoding.UTF8.GetBytes(piece).Select(ByteAlphabet.Symbol).ToArray();
        symbols[^1] += ByteAlphabet.EndOfWord;
        return [.. symbols.Select(symbol => ids[symbol])];
    }

    private static (int Left, int Right)? MostFrequentPair((List<int> Symbols, long Count)[] pieces)
    {
        var counts = new Dictionary<(int Left, int Right), long>();
        foreach (var (symbols, count) in pieces)
        {
            for (var i = 1; i < symbols.Count; i++)
                counts[(symbols[i - 1], symbols[i])] = counts.GetValueOrDefault((symbols[i - 1], symbols[i])) + count;
        }

        return counts.Count == 0 ? null : counts.MaxBy(entry => (entry.Value, -entry.Key.Left, -entry.Key.Right)).Key;
    }

    private static void Merge(List<int> symbols, (int Left, int Right) pair, int merged)
    {
        for (var i = 1; i < symbols.Count; i++)
        {
            if ((symbols[i - 1], symbols[i]) != pair)
                continue;
            symbols[i - 1] = merged;
            symbols.RemoveAt(i);
        }
    }
}
