using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>
/// No alignment: every target token takes the attention of the source token at the same position, whatever the words are.
/// Demonstrates why alignment is needed.
/// </summary>
internal static class NaiveAlignment
{
    /// <summary>Pairs two prompts position by position.</summary>
    public static TokenAlignment Create(TokenizedPrompt source, TokenizedPrompt target)
    {
        var length = target.Ids.Count;
        var mapper = new Mapper(length);
        for (var k = 0; k < length; k++)
            mapper.Link(k, k);
        return new TokenAlignment(AlignmentKind.Naive, source, target, mapper.Values, mapper.Receivers());
    }
}
