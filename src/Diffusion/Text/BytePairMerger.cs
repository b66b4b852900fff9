using System.Text;

namespace PromptToPrompt.Diffusion.Text;

/// <summary>Merges the bytes of a piece of text pair by pair, in the order in which the pairs were learned.</summary>
internal sealed class BytePairMerger
{
    private readonly int[] inner = new int[256];
    private readonly int[] last = new int[256];
    private readonly Dictionary<(int Left, int Right), (int Rank, int Merged)> merges;

    /// <summary>Prepares the merges of a vocabulary that <see cref="BpeVocabulary"/> has checked for consistency.</summary>
    public BytePairMerger(BpeVocabulary vocabulary)
    {
        for (var value = 0; value < 256; value++)
        {
            var symbol = ByteAlphabet.Symbol((byte)value);
            inner[value] = vocabulary.Id(symbol);
            last[value] = vocabulary.Id(symbol + ByteAlphabet.EndOfWord);
        }

        merges = new(vocabulary.Merges.Count);
        foreach (var (left, right) in vocabulary.Merges)
            merges.TryAdd((vocabulary.Id(left), vocabulary.Id(right)), (merges.Count, vocabulary.Id(left + right)));
    }

    /// <summary>Appends the token ids of one piece, in n·log n time.</summary>
    public void Append(ReadOnlySpan<char> piece, List<int> ids)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(piece)];
        Encoding.UTF8.GetBytes(piece, bytes);
        var symbols = Array.ConvertAll(bytes, value => inner[value]);
        symbols[^1] = last[bytes[^1]];
        Merge(symbols);
        foreach (var symbol in symbols)
        {
            if (symbol >= 0)
                ids.Add(symbol);
        }
    }

    // Merges in place; a symbol that was merged into its predecessor becomes -1.
    private void Merge(int[] symbols)
    {
        var next = Enumerable.Range(1, symbols.Length).ToArray();
        var previous = Enumerable.Range(-1, symbols.Length).ToArray();
        var queue = new PriorityQueue<int, (int Rank, int Position)>();
        for (var i = 0; i < symbols.Length - 1; i++)
            Offer(i);

        // All pairs of one rank are merged, from left to right, before the new pairs are considered.
        var changed = new List<int>();
        while (queue.TryPeek(out _, out var first))
        {
            while (queue.TryPeek(out var position, out var entry) && entry.Rank == first.Rank)
            {
                queue.Dequeue();
                if (Lookup(position) is not { } merge || merge.Rank != first.Rank)
                    continue;
                var taken = next[position];
                symbols[position] = merge.Merged;
                symbols[taken] = -1;
                next[position] = next[taken];
                if (next[position] < symbols.Length)
                    previous[next[position]] = position;
                changed.Add(position);
            }

            foreach (var position in changed)
            {
                Offer(position);
                if (previous[position] >= 0)
                    Offer(previous[position]);
            }

            changed.Clear();
        }

        void Offer(int position)
        {
            if (Lookup(position) is { } merge)
                queue.Enqueue(position, (merge.Rank, position));
        }

        (int Rank, int Merged)? Lookup(int position) =>
            symbols[position] >= 0 && next[position] < symbols.Length
                && merges.TryGetValue((symbols[position], symbols[next[position]]), out var merge)
                ? merge
                : null;
    }
}
