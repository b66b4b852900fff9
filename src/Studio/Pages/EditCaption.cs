using System.Globalization;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Pages;

/// <summary>A few words that say how an edit differs from its source and from other edits of it.</summary>
internal static class EditCaption
{
    /// <summary>The caption: its words, then the settings that differ from the defaults.</summary>
    /// <param name="source">The source's prompt.</param>
    /// <param name="edit">The edit.</param>
    /// <param name="steps">Number of its steps.</param>
    public static string Of(string source, EditedRecipe edit, int steps)
    {
        var words = Draft.Of(source, edit).Words;
        var changes = string.Join(", ", words.Where(word => word.Text != word.Source || word.Weight != 1).Select(Change));
        return string.Join(" · ", new[] { changes }.Concat(Settings(edit, words, steps)).Where(part => part.Length > 0));
    }

    private static string Change(DraftWord word) => word switch
    {
        { IsRemoved: true } => $"without {word.Source}",
        { Weight: not 1 } => string.Create(CultureInfo.InvariantCulture, $"{word.Text} ×{word.Weight:0.##}"),
        { IsNew: true } => $"+ {word.Text}",
        _ => word.Text!,
    };

    private static IEnumerable<string> Settings(EditedRecipe edit, IReadOnlyList<DraftWord> words, int steps)
    {
        if (edit.Method is { } method)
            yield return string.Join(", ", [method, .. MethodFields.Options(edit).Select(option => $"{option.Name.Replace('-', ' ')} {option.Value}")]);
        if (edit.Mask is not null)
            yield return edit.Feather is { } feather ? string.Create(CultureInfo.InvariantCulture, $"mask, feather {feather:0.#}") : "mask";
        if (words.Where(word => word.Confines).Select(word => word.Text ?? word.Source!).ToList() is { Count: > 0 } places)
            yield return $"only {string.Join(", ", places)}";
        if (edit.CrossSteps != EditedRecipe.DefaultCrossSteps)
            yield return Window(edit.CrossSteps);
        if (edit.SelfSteps != EditedRecipe.DefaultSelfSteps)
            yield return $"shapes {Window(edit.SelfSteps)}";
        foreach (var (word, window) in edit.WordSteps)
            yield return $"{word} {Window(window)}";

        string Window(string text) => StepRange.Parse(text) is var range ? $"{range.Start * steps / 100}–{range.End * steps / 100}" : "";
    }
}
