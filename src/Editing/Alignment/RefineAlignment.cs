using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>
/// Added phrase (Hertz et al. 2022, section 3.3): a global alignment of tokens finds those that both prompts share; the
/// target's other tokens are new. Matches the authors' implementation, including its tie-breaking.
/// </summary>
internal static class RefineAlignment
{
    /// <summary>Aligns any two prompts. Padding is matched by position.</summary>
    public static TokenAlignment Create(TokenizedPrompt source, TokenizedPrompt target)
    {
        var length = target.Ids.Count;
        var shared = GlobalAlignment.Align(source.Length, target.Length, (s, t) => source.Ids[s] == target.Ids[t] ? 1 : -1);
        var gather = new int[length];
        var mapper = new Mapper(length);
        for (var t = 0; t < length; t++)
        {
            gather[t] = t < shared.Length ? shared[t] : t;
            if (gather[t] >= 0)
                mapper.Link(gather[t], t);
        }

        return new TokenAlignment(AlignmentKind.Refine, source, target, mapper.Values, mapper.Receivers(), gather);
    }
}
