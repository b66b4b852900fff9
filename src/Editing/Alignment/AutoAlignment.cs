using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>
/// Aligns any two prompts by their words: common words keep their attention, changed words take over the attention of the words
/// they replace, added words are new.
/// </summary>
/// <remarks>
/// <para>
/// The first pass finds the words that both prompts share, ignoring case and outer punctuation. Among the alignments with the most
/// common words, it picks the one that pairs the most other words. The words between two common words are removed (none in the
/// target), added (none in the source: no counterpart) or changed (some in both).
/// </para>
/// <para>
/// A change is matched phrase by phrase from its start (<see cref="Phrases"/>): in "a cat" → "a dog in a red hat" the dog
/// replaces the cat and "in a red hat" is new. Two phrases of equal word count are matched word by word, others as a whole:
/// in "red" → "dark blue" both new words receive half of the attention of "red".
/// </para>
/// <para>
/// In each chunk the end token maps to the end token. Padding is matched by position, because only the position distinguishes padding
/// tokens after the text encoder. Padding at a position where the source still has words has no counterpart.
/// </para>
/// </remarks>
internal static class AutoAlignment
{
    /// <summary>Aligns any two prompts.</summary>
    public static TokenAlignment Create(TokenizedPrompt source, TokenizedPrompt target)
    {
        var mapper = new Mapper(target.Ids.Count);
        var common = CommonWords(source, target);
        foreach (var (from, to) in Gaps(source, target, common))
            LinkChange(mapper, [.. source.Words.Take(from)], [.. target.Words.Take(to)]);
        for (var t = 0; t < common.Length; t++)
            if (common[t] >= 0)
                LinkPhrase(mapper, [source.Words[common[t]]], [target.Words[t]]);

        mapper.LinkSpan(Remainder(source), Remainder(target));
        for (var chunk = 0; chunk < target.Ends.Count; chunk++)
        {
            var (first, sourceEnd, targetEnd) = (chunk * target.ChunkLength, source.Ends[chunk], target.Ends[chunk]);
            mapper.Link(first, first);
            mapper.Link(sourceEnd, targetEnd);
            for (var k = Math.Max(sourceEnd, targetEnd) + 1; k < first + target.ChunkLength; k++)
                mapper.Link(k, k);
        }

        return new TokenAlignment(AlignmentKind.Auto, source, target, mapper.Values, mapper.Receivers());
    }

    /// <summary>The runs of words, between those that both prompts share, by which they differ; one of the two may be empty.</summary>
    public static IEnumerable<(Range Source, Range Target)> Gaps(TokenizedPrompt source, TokenizedPrompt target) => Gaps(source, target, CommonWords(source, target));

    // Each gap between two common words is a change; the end of both prompts closes the last gap.
    private static IEnumerable<(Range Source, Range Target)> Gaps(TokenizedPrompt source, TokenizedPrompt target, int[] common)
    {
        int s = 0, t = 0;
        for (var next = 0; next <= common.Length; next++)
        {
            var partner = next < common.Length ? common[next] : source.Words.Count;
            if (partner < 0)
                continue;
            if (s < partner || t < next)
                yield return (s..partner, t..next);
            (s, t) = (partner + 1, next + 1);
        }
    }

    // For each target word, the index of the common source word, or -1.
    private static int[] CommonWords(TokenizedPrompt source, TokenizedPrompt target)
    {
        int sources = source.Words.Count, targets = target.Words.Count;
        var decisive = Math.Min(sources, targets) + 1; // outweighs all other pairs together
        var partner = GlobalAlignment.Align(sources, targets, (s, t) => Same(s, t) ? decisive : 1);
        for (var t = 0; t < targets; t++)
            if (partner[t] >= 0 && !Same(partner[t], t))
                partner[t] = -1;
        return partner;

        // Token ids already ignore case, and a word's bare tokens exclude its outer punctuation.
        bool Same(int s, int t) =>
            source.Words[s].BareTokens.Select(k => source.Ids[k]).SequenceEqual(target.Words[t].BareTokens.Select(k => target.Ids[k]));
    }

    // The remaining tokens of a word that the model's length limit has cut in two.
    private static int[] Remainder(TokenizedPrompt prompt)
    {
        var chunk = (prompt.Length - 1) / prompt.ChunkLength * prompt.ChunkLength;
        var start = Math.Max(chunk + 1, prompt.Words.Count == 0 ? 1 : prompt.Words[^1].Tokens[^1] + 1);
        return [.. Enumerable.Range(start, prompt.Length - 1 - start)];
    }

    private static void LinkChange(Mapper mapper, IReadOnlyList<PromptWord> source, IReadOnlyList<PromptWord> target)
    {
        foreach (var (from, to) in Phrases.Split(source).Zip(Phrases.Split(target)))
        {
            if (from.Count != to.Count)
                LinkPhrase(mapper, from, to);
            else
                for (var k = 0; k < from.Count; k++)
                    LinkPhrase(mapper, [from[k]], [to[k]]);
        }
    }

    // Punctuation around the words is linked separately: in "cat" → "dog," the comma gets none of the cat's attention.
    private static void LinkPhrase(Mapper mapper, IReadOnlyList<PromptWord> source, IReadOnlyList<PromptWord> target)
    {
        var (from, to) = (Parts(source), Parts(target));
        mapper.LinkSpan(from.Before, to.Before);
        mapper.LinkSpan(from.Words, to.Words);
        mapper.LinkSpan(from.After, to.After);
    }

    private static (int[] Before, int[] Words, int[] After) Parts(IReadOnlyList<PromptWord> words)
    {
        var (first, last) = (words[0].BareTokens[0], words[^1].BareTokens[^1]);
        var tokens = words.SelectMany(word => word.Tokens).ToLookup(token => token < first ? -1 : token > last ? 1 : 0);
        return ([.. tokens[-1]], [.. tokens[0]], [.. tokens[1]]);
    }
}
