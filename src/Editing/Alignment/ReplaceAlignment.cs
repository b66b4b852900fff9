using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>
/// Word swap (Hertz et al. 2022, section 3.3): the k-th word of the target takes the place of the k-th word of the source.
/// Matches the authors' implementation position by position.
/// </summary>
/// <remarks>
/// Two properties of that implementation are kept on purpose. After the last swapped word, tokens are matched by position even if
/// the swapped words have different numbers of tokens. If the target is shorter, its last positions receive nothing.
/// <see cref="AutoAlignment"/> does neither.
/// </remarks>
internal static class ReplaceAlignment
{
    /// <summary>Aligns two prompts with the same number of words.</summary>
    /// <exception cref="InvalidInputException">The prompts have different numbers of words.</exception>
    public static TokenAlignment Create(TokenizedPrompt source, TokenizedPrompt target)
    {
        RequireSameWordCount(source, target);
        var length = target.Ids.Count;
        var mapper = new Mapper(length);
        int s = 0, t = 0;
        foreach (var (from, to) in source.Words.Zip(target.Words))
        {
            if (from.Text == to.Text || from.Tokens.Count == 0 || to.Tokens.Count == 0)
                continue;
            while (s < from.Tokens[0])
                mapper.Link(s++, t++);
            mapper.LinkSpan(from.Tokens, to.Tokens);
            s += from.Tokens.Count;
            t += to.Tokens.Count;
        }

        for (; s < length && t < length; s++, t++)
            mapper.Link(t, t);

        var counterpart = new float[length];
        Array.Fill(counterpart, 1);
        return new TokenAlignment(AlignmentKind.Replace, source, target, mapper.Values, counterpart);
    }

    private static void RequireSameWordCount(TokenizedPrompt source, TokenizedPrompt target)
    {
        // The authors split at single spaces, so a doubled space counts as an empty word.
        var (s, t) = (source.Text.Split(' ').Length, target.Text.Split(' ').Length);
        if (s == t)
            (s, t) = (source.Words.Count + source.Truncated.Count, target.Words.Count + target.Truncated.Count);
        if (s != t)
        {
            throw new InvalidInputException(
                TokenAlignment.Setting,
                $"replace needs prompts with the same number of words, but \"{source.Text}\" has {s} and \"{target.Text}\" has {t} (a doubled space counts as a word).",
                "Use auto or refine.");
        }
    }
}
