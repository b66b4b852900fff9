namespace PromptToPrompt.Editing.Alignment;

/// <summary>Global sequence alignment (Needleman and Wunsch, 1970) with free gaps.</summary>
internal static class GlobalAlignment
{
    /// <summary>
    /// Pairs two sequences so that the sum of the pair scores is maximal; an unpaired element costs nothing.
    /// Ties are resolved from the end: skip a target element if possible, else a source element, else make a pair. Repeated elements
    /// are therefore paired with their earliest possible partner.
    /// </summary>
    /// <param name="sourceCount">Length of the source sequence.</param>
    /// <param name="targetCount">Length of the target sequence.</param>
    /// <param name="score">The score of pairing a source index with a target index.</param>
    /// <returns>For each target element the index of its source element, or -1.</returns>
    public static int[] Align(int sourceCount, int targetCount, Func<int, int, int> score)
    {
        // best[i, j] is the best score of the first i source and the first j target elements.
        var best = new int[sourceCount + 1, targetCount + 1];
        for (var i = 1; i <= sourceCount; i++)
            for (var j = 1; j <= targetCount; j++)
                best[i, j] = Math.Max(Math.Max(best[i, j - 1], best[i - 1, j]), best[i - 1, j - 1] + score(i - 1, j - 1));

        var partner = new int[targetCount];
        Array.Fill(partner, -1);
        for (int i = sourceCount, j = targetCount; i > 0 && j > 0;)
        {
            if (best[i, j] == best[i, j - 1])
                j--;
            else if (best[i, j] == best[i - 1, j])
                i--;
            else
                partner[--j] = --i;
        }

        return partner;
    }
}
