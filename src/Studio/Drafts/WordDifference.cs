namespace PromptToPrompt.Studio.Drafts;

/// <summary>Word difference of two sentences: the longest common subsequence stays; other words are swapped, added or removed.</summary>
internal static class WordDifference
{
    /// <summary>The words of both sentences, merged.</summary>
    public static IReadOnlyList<DraftWord> Between(string[] before, string[] after)
    {
        var common = CommonLengths(before, after);
        var words = new List<DraftWord>();
        var (i, j) = (0, 0);
        while (i < before.Length || j < after.Length)
        {
            var (from, to) = (i, j);
            while ((i < before.Length || j < after.Length) && !(i < before.Length && j < after.Length && before[i] == after[j]))
            {
                if (j == after.Length || (i < before.Length && common[i + 1, j] >= common[i, j + 1]))
                    i++;
                else
                    j++;
            }

            Pair(words, before[from..i], after[to..j]);
            if (i < before.Length && j < after.Length)
                words.Add(new DraftWord(before[i++], after[j++]));
        }

        return words;
    }

    // Equal numbers of removed and added words are swaps.
    private static void Pair(List<DraftWord> words, string[] gone, string[] come)
    {
        var pairs = Math.Min(gone.Length, come.Length);
        for (var k = 0; k < pairs; k++)
            words.Add(new DraftWord(gone[k], come[k]));
        words.AddRange(gone.Skip(pairs).Select(word => new DraftWord(word, null)));
        if (come.Length > pairs)
            words.Add(new DraftWord(null, string.Join(' ', come.Skip(pairs))));
    }

    private static int[,] CommonLengths(string[] before, string[] after)
    {
        var lengths = new int[before.Length + 1, after.Length + 1];
        for (var i = before.Length - 1; i >= 0; i--)
        {
            for (var j = after.Length - 1; j >= 0; j--)
                lengths[i, j] = before[i] == after[j] ? lengths[i + 1, j + 1] + 1 : Math.Max(lengths[i + 1, j], lengths[i, j + 1]);
        }

        return lengths;
    }
}
