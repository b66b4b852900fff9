using System.Globalization;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Drafts;

/// <summary>An edit that is being thought out: the source's words, and what was done to them. Immutable; each touch gives the next draft.</summary>
/// <param name="Words">The words in order, those that were taken out included.</param>
public sealed record Draft(IReadOnlyList<DraftWord> Words)
{
    /// <summary>When cross-attention comes from the source, for all words that say nothing else.</summary>
    public string CrossSteps { get; init; } = EditedRecipe.DefaultCrossSteps;

    /// <summary>When self-attention comes from the source.</summary>
    public string SelfSteps { get; init; } = EditedRecipe.DefaultSelfSteps;

    /// <summary>Share of the strongest attention that counts as the place of a word that confines.</summary>
    public double BlendThreshold { get; init; } = EditRequest.DefaultBlendThreshold;

    /// <summary>A brushed mask, by the name it is stored under.</summary>
    public string? Mask { get; init; }

    /// <summary>Whether there is nothing to do: same words, same weights.</summary>
    public bool IsUnchanged => Words.All(word => word.Text == word.Source && word.Weight == 1);

    /// <summary>The edited prompt as people read it.</summary>
    public string Text => string.Join(' ', Words.Where(word => !word.IsRemoved).Select(word => word.Text));

    /// <summary>The edited prompt with its weights, as <c>p2p</c> reads it.</summary>
    public string Prompt => string.Join(' ', Words.Where(word => !word.IsRemoved).Select(Notation));

    /// <summary>A draft in which nothing was done yet.</summary>
    /// <param name="prompt">The source's prompt; may have weights, which belong to the past.</param>
    public static Draft Of(string prompt) => new([.. Split(WeightedPrompt.Parse(prompt).Text).Select(word => new DraftWord(word, word))]);

    /// <summary>The draft that leads from a source to an edit.</summary>
    /// <param name="source">The source's prompt.</param>
    /// <param name="edit">The edit.</param>
    public static Draft Of(string source, EditedRecipe edit)
    {
        var target = WeightedPrompt.Parse(edit.Prompt);
        string[] before = Split(WeightedPrompt.Parse(source).Text), after = Split(target.Text);
        var words = WordDifference.Between(before, after);
        var confining = edit.Blend.Split([',', ':'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var index = 0;
        return new Draft([.. words.Select(word =>
        {
            var place = word.IsRemoved ? -1 : index;
            index += word.Count;
            return word with
            {
                Weight = target.Weights.FirstOrDefault(weight => weight.Index == place) is { } found ? Math.Round(found.Weight, 3) : 1,
                Steps = word.Text is { } text ? edit.WordSteps.GetValueOrDefault(Bare(text)) : null,
                Confines = confining.Contains(Bare(word.Text ?? word.Source!)),
            };
        })])
        {
            CrossSteps = edit.CrossSteps,
            SelfSteps = edit.SelfSteps,
            BlendThreshold = edit.BlendThreshold,
            Mask = edit.Mask,
        };
    }

    /// <summary>Puts something else in a word's place; nothing, to take it out.</summary>
    public Draft Swap(int index, string text)
    {
        var (word, clean) = (Words[index], string.Join(' ', Split(text)));
        if (clean.Length == 0)
            return Remove(index);
        return With(index, word with { Text = clean });
    }

    /// <summary>Takes a word out; one that was added is gone then.</summary>
    public Draft Remove(int index) => Words[index].IsNew
        ? this with { Words = [.. Words.Where((_, k) => k != index)] }
        : With(index, Words[index] with { Text = null, Weight = 1, Steps = null });

    /// <summary>Makes a word what it was in the source; one that was added is gone then.</summary>
    public Draft Restore(int index) => Words[index] is { IsNew: true } ? Remove(index) : With(index, new DraftWord(Words[index].Source, Words[index].Source));

    /// <summary>Adds a phrase before a word, or behind the last one.</summary>
    public Draft Insert(int index, string phrase)
    {
        var clean = string.Join(' ', Split(phrase));
        return clean.Length == 0 ? this : this with { Words = [.. Words.Take(index), new DraftWord(null, clean), .. Words.Skip(index)] };
    }

    /// <summary>Sets how strongly a word speaks.</summary>
    public Draft Weigh(int index, double weight) => With(index, Words[index] with { Weight = Math.Round(weight, 2) });

    /// <summary>Sets when a word follows the source; null for as long as all others.</summary>
    public Draft Time(int index, string? steps) => With(index, Words[index] with { Steps = steps });

    /// <summary>Sets whether the edit is confined to a word's place.</summary>
    public Draft Confine(int index, bool confines) => With(index, Words[index] with { Confines = confines });

    /// <summary>The recipe of the edit.</summary>
    /// <param name="source">Id of the source's version.</param>
    public EditedRecipe Recipe(string source) => new()
    {
        Source = source,
        Prompt = Prompt,
        CrossSteps = CrossSteps,
        SelfSteps = SelfSteps,
        // Several places of one word have one window: the last one's.
        WordSteps = Words.Where(word => word is { Steps: not null, Text: not null }).GroupBy(word => Bare(word.Text!)).ToDictionary(group => group.Key, group => group.Last().Steps!),
        Blend = Blend(),
        BlendThreshold = BlendThreshold,
        Mask = Mask,
    };

    /// <summary>Which word of the edited prompt a word begins with; that of the source's prompt for one that was taken out.</summary>
    public int IndexInEdit(int index) => Words.Take(index).Sum(word => word.Count);

    /// <summary>Which word of the source's prompt a word is; null for one that was added.</summary>
    public int? IndexInSource(int index) => Words[index].IsNew ? null : Words.Take(index).Count(word => !word.IsNew);

    internal static string[] Split(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static string Bare(string text) => text.Trim(',', '.', ';', ':', '!', '?', '"');

    private static string Notation(DraftWord word)
    {
        var text = word.Text!.Replace("(", "\\(", StringComparison.Ordinal).Replace(")", "\\)", StringComparison.Ordinal);
        return word.Weight == 1 ? text : string.Create(CultureInfo.InvariantCulture, $"({text}:{word.Weight})");
    }

    // A list for the source and one for the edit, as a swapped word has another name there.
    private string Blend()
    {
        var confining = Words.Where(word => word.Confines).ToList();
        var before = confining.Where(word => word.Source is not null).Select(word => Bare(word.Source!)).Distinct();
        var after = confining.Where(word => word.Text is not null).Select(word => Bare(word.Text!)).Distinct();
        return confining.Count == 0 ? "" : $"{string.Join(',', before)}:{string.Join(',', after)}";
    }

    private Draft With(int index, DraftWord word) => this with { Words = [.. Words.Select((old, k) => k == index ? word : old)] };
}
