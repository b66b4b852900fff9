using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>A target word and the source words whose attention it takes.</summary>
/// <param name="Target">The word as written in the target prompt.</param>
/// <param name="Sources">
/// The source words in order, as written; <c>(end)</c> and <c>(padding)</c> for the tokens after them. Empty for a new word.
/// </param>
internal sealed record AlignmentRow(string Target, IReadOnlyList<string> Sources)
{
    /// <summary>Whether the word has no counterpart in the source.</summary>
    public bool IsNew => Sources.Count == 0;
}

/// <summary>A readable form of a <see cref="TokenAlignment"/>, word by word.</summary>
/// <param name="Rows">The words of the target in order.</param>
/// <param name="Dropped">Source words whose attention no target word takes.</param>
internal sealed record AlignmentTable(IReadOnlyList<AlignmentRow> Rows, IReadOnlyList<string> Dropped)
{
    internal static AlignmentTable Of(TokenAlignment alignment)
    {
        var (source, length) = (alignment.Source, alignment.Length);
        var names = Names(source);
        var targetTokens = alignment.Target.Words.SelectMany(word => word.Tokens).ToArray();
        return new AlignmentTable(
            [.. alignment.Target.Words.Select(word => new AlignmentRow(word.Text, SourcesOf(word)))],
            [.. source.Words.Where(word => !word.Tokens.Any(s => targetTokens.Any(t => Linked(s, t)))).Select(word => word.Text)]);

        // Adjacent tokens of one word form one entry; a word that occurs twice in the source may form two.
        string[] SourcesOf(PromptWord word)
        {
            var tokens = Enumerable.Range(0, length).Where(s => word.Tokens.Any(t => Linked(s, t)));
            return [.. tokens.Select(s => names[s]).Distinct().Select(name => name.Text)];
        }

        bool Linked(int s, int t) => alignment.Mapper[s * length + t] != 0;
    }

    // The word at each source position. The index distinguishes equal words.
    private static (int Index, string Text)[] Names(TokenizedPrompt source)
    {
        var names = new (int, string)[source.Ids.Count];
        Array.Fill(names, (-2, "(padding)"));
        foreach (var end in source.Ends)
            names[end] = (-1, "(end)");
        for (var k = 0; k < source.Words.Count; k++)
            foreach (var token in source.Words[k].Tokens)
                names[token] = (k, source.Words[k].Text);
        return names;
    }
}
