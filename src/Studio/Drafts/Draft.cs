using System.Globalization;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Drafts;

/// <summary>An edit in progress: the source's words and the changes to them. Immutable; each change returns a new draft.</summary>
/// <param name="Words">The words in order, including removed ones.</param>
public sealed record Draft(IReadOnlyList<DraftWord> Words)
{
    /// <summary>When cross-attention comes from the source, for words without a window of their own.</summary>
    public string CrossSteps { get; init; } = EditedRecipe.DefaultCrossSteps;

    /// <summary>When self-attention comes from the source.</summary>
    public string SelfSteps { get; init; } = EditedRecipe.DefaultSelfSteps;

    /// <summary>Blend threshold, relative to the maximum attention.</summary>
    public double BlendThreshold { get; init; } = EditRequest.DefaultBlendThreshold;

    /// <summary>Store name of the brushed mask.</summary>
    public string? Mask { get; init; }

    /// <summary>Width of the mask's soft edge in pixels of the picture; null for the default.</summary>
    public double? Feather { get; init; }

    /// <summary>An edit whose method and options of it this one has; null for Prompt-to-Prompt.</summary>
    public EditedRecipe? Method { get; init; }

    /// <summary>Whether nothing is changed: same words, same weights.</summary>
    public bool IsUnchanged => Words.All(word => word.Text == word.Source && word.Weight == 1);

    /// <summary>The edited prompt without weights.</summary>
    public string Text => string.Join(' ', Words.Where(word => !word.IsRemoved).Select(word => word.Text));

    /// <summary>The edited prompt with its weights, as <c>p2p</c> reads it.</summary>
    public string Prompt => string.Join(' ', Words.Where(word => !word.IsRemoved).Select(Notation));

    /// <summary>A draft without changes.</summary>
    /// <param name="prompt">The source's prompt. Its weights are dropped.</param>
    public static Draft Of(string prompt) => new([.. Split(WeightedPrompt.Parse(prompt).Text).Select(word => new DraftWord(word, word))]);

    /// <summary>The draft that turns a source into an edit.</summary>
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
            Feather = edit.Feather,
            Method = edit.Method is null || edit.Method == MethodFields.PromptToPrompt ? null : edit,
        };
    }

    /// <summary>Replaces a word; empty text removes it.</summary>
    public Draft Swap(int index, string text)
    {
        var (word, clean) = (Words[index], string.Join(' ', Split(text)));
        if (clean.Length == 0)
            return Remove(index);
        return With(index, word with { Text = clean });
    }

    /// <summary>Removes a word; an added word disappears.</summary>
    public Draft Remove(int index) => Words[index].IsNew
        ? this with { Words = [.. Words.Where((_, k) => k != index)] }
        : With(index, Words[index] with { Text = null, Weight = 1, Steps = null });

    /// <summary>Restores a word of the source; an added word disappears.</summary>
    public Draft Restore(int index) => Words[index] is { IsNew: true } ? Remove(index) : With(index, new DraftWord(Words[index].Source, Words[index].Source));

    /// <summary>Adds a phrase before a word or at the end.</summary>
    public Draft Insert(int index, string phrase)
    {
        var clean = string.Join(' ', Split(phrase));
        return clean.Length == 0 ? this : this with { Words = [.. Words.Take(index), new DraftWord(null, clean), .. Words.Skip(index)] };
    }

    /// <summary>Sets the weight of a word.</summary>
    public Draft Weigh(int index, double weight) => With(index, Words[index] with { Weight = Math.Round(weight, 2) });

    /// <summary>Sets the time window of a word; null for the common one.</summary>
    public Draft Time(int index, string? steps) => With(index, Words[index] with { Steps = steps });

    /// <summary>Sets whether the edit is confined to the word's region.</summary>
    public Draft Confine(int index, bool confines) => With(index, Words[index] with { Confines = confines });

    /// <summary>The recipe of the edit.</summary>
    /// <param name="source">Id of the source's version.</param>
    public EditedRecipe Recipe(string source) => MethodFields.Take(WithoutMethod(source), Method);

    /// <summary>Index of the word in the edited prompt; for a removed word, in the source's prompt.</summary>
    public int IndexInEdit(int index) => Words.Take(index).Sum(word => word.Count);

    /// <summary>Index of the word in the source's prompt; null for an added word.</summary>
    public int? IndexInSource(int index) => Words[index].IsNew ? null : Words.Take(index).Count(word => !word.IsNew);

    /// <summary>Whether a word reaches into the last words of the edited prompt.</summary>
    /// <param name="index">The word.</param>
    /// <param name="count">Number of last words.</param>
    public bool IsAmongLast(int index, int count) => Words[index].Count > 0 && IndexInEdit(index) + Words[index].Count > IndexInEdit(Words.Count) - count;

    internal static string[] Split(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    internal static string Bare(string text) => text.Trim(',', '.', ';', ':', '!', '?', '"');

    // The windows are those of Prompt-to-Prompt.
    private EditedRecipe WithoutMethod(string source) => new()
    {
        Source = source,
        Prompt = Prompt,
        CrossSteps = Method is null ? CrossSteps : EditedRecipe.DefaultCrossSteps,
        SelfSteps = Method is null ? SelfSteps : EditedRecipe.DefaultSelfSteps,
        // All occurrences of a word share one window: the last one.
        WordSteps = Method is not null ? new Dictionary<string, string>() : Words.Where(word => word is { Steps: not null, Text: not null }).GroupBy(word => Bare(word.Text!)).ToDictionary(group => group.Key, group => group.Last().Steps!),
        Blend = Blend(),
        BlendThreshold = BlendThreshold,
        Mask = Mask,
        Feather = Mask is null ? null : Feather,
    };

    private static string Notation(DraftWord word)
    {
        var text = word.Text!.Replace("(", "\\(", StringComparison.Ordinal).Replace(")", "\\)", StringComparison.Ordinal);
        return word.Weight == 1 ? text : string.Create(CultureInfo.InvariantCulture, $"({text}:{word.Weight})");
    }

    // One list for the source and one for the edit, because a swapped word differs.
    private string Blend()
    {
        var confining = Words.Where(word => word.Confines).ToList();
        var before = confining.Where(word => word.Source is not null).Select(word => Bare(word.Source!)).Distinct();
        var after = confining.Where(word => word.Text is not null).Select(word => Bare(word.Text!)).Distinct();
        return confining.Count == 0 ? "" : $"{string.Join(',', before)}:{string.Join(',', after)}";
    }

    private Draft With(int index, DraftWord word) => this with { Words = [.. Words.Select((old, k) => k == index ? word : old)] };
}
