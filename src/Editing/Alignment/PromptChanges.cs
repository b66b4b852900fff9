using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Alignment;

/// <summary>A phrase that an edited prompt adds or removes.</summary>
/// <param name="Text">The phrase, without the preposition and article before it and without marks around it.</param>
/// <param name="IsRemoved">Whether the prompt removes it.</param>
internal sealed record PromptChange(string Text, bool IsRemoved);

/// <summary>The phrases by which two prompts differ, from the words that <see cref="AutoAlignment"/> pairs.</summary>
/// <remarks>
/// A phrase includes the common words after it, because an adjective alone has no region: "a red ball" → "a blue ball" adds "blue ball" and removes "red ball".
/// In "a big cat" → "a cat", "big cat" is removed and "cat" added, so that the cat itself stays.
/// </remarks>
internal static class PromptChanges
{
    // Of "next to a tree", only the tree is a thing.
    private static readonly HashSet<string> Links = new(StringComparer.OrdinalIgnoreCase) { "a", "an", "of", "the", "to" };

    /// <summary>The changes in the order of the prompts; of each pair, what is added comes first.</summary>
    public static IReadOnlyList<PromptChange> Of(TokenizedPrompt source, TokenizedPrompt target) =>
        [.. AutoAlignment.Gaps(source, target).SelectMany(gap => Between(source.Words, target.Words, gap))];

    private static IEnumerable<PromptChange> Between(IReadOnlyList<PromptWord> source, IReadOnlyList<PromptWord> target, (Range Source, Range Target) gap)
    {
        List<PromptWord> removed = [.. source.Take(gap.Source)], added = [.. target.Take(gap.Target)];
        // The common words that belong to the last phrase.
        List<PromptWord> rest = [.. Phrases.Split([added.Concat(removed).Last(), .. target.Skip(gap.Target.End.Value)])[0].Skip(1)];
        // A phrase that only gains words replaces none, and one that only loses words is replaced by the rest of it.
        var additions = Texts([.. added, .. rest]);
        var removals = removed.Count > 0 ? Texts([.. removed, .. rest]) : [];
        return
        [
            .. additions.Except(removals).Select(text => new PromptChange(text, IsRemoved: false)),
            .. removals.Except(additions).Select(text => new PromptChange(text, IsRemoved: true)),
        ];
    }

    private static List<string> Texts(List<PromptWord> words) => [.. Phrases.Split(words).Select(Text).Where(text => text.Length > 0)];

    private static string Text(IReadOnlyList<PromptWord> phrase)
    {
        var named = phrase.SkipWhile(word => Phrases.Opens(word) || Links.Contains(word.Text)).Select(word => word.Text);
        return string.Join(' ', named).Trim(',', ';', ':', '.', '!', '?', '"', ' ');
    }
}
