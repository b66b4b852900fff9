using System.Globalization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Grids;

/// <summary>The settings that can vary in a grid, by the JSON names of recipes.</summary>
internal static class GridSettings
{
    public const string CrossSteps = "crossSteps", SelfSteps = "selfSteps", Weight = "weight", Seed = "seed", Steps = "steps", Scheduler = "scheduler", Guidance = "guidance";

    /// <summary>Settings of an edit.</summary>
    public static IReadOnlyList<string> OfEdit { get; } = [CrossSteps, SelfSteps, Weight];

    /// <summary>Settings of an edit's source. Another value makes another source.</summary>
    public static IReadOnlyList<string> OfSource { get; } = [Seed, Steps, Scheduler, Guidance];

    /// <summary>The settings that can vary in a grid of edits of a source.</summary>
    public static IReadOnlyList<string> For(Recipe source) => source is DrawnRecipe ? [.. OfEdit, .. OfSource] : OfEdit;

    /// <summary>Requires that a grid can vary the setting of an axis.</summary>
    /// <param name="name">Name of the axis.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="source">The recipe of the source.</param>
    /// <exception cref="InvalidInputException">It cannot vary.</exception>
    public static void Require(string name, GridAxis axis, Recipe source)
    {
        if (axis.IsSingle)
            return;
        var known = For(source);
        if (!known.Contains(axis.Setting))
        {
            throw new InvalidInputException(
                name,
                OfSource.Contains(axis.Setting) ? $"\"{axis.Setting}\" cannot vary, because the source was not drawn from noise." : $"\"{axis.Setting}\" cannot vary in a grid.",
                Suggestion.Advice(axis.Setting, known));
        }

        InvalidInputException.Require(axis.Setting == Weight || axis.Word is null, name, $"\"{axis.Setting}\" is not for a single word.", $"Write {axis.Setting}=….");
        InvalidInputException.Require(axis.Setting != Weight || axis.Word is not null, name, "It does not say which word has the weight.", "Write it like weight:red=0,1,2.");
    }

    /// <summary>Sets a value of an axis.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="name">Name of the axis.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="value">The value.</param>
    /// <param name="prompt">The source's prompt.</param>
    /// <exception cref="InvalidInputException">The value is not one of the setting.</exception>
    public static GridCell Set(GridCell cell, string name, GridAxis axis, string value, string prompt) => axis.Setting switch
    {
        "" => cell,
        CrossSteps => cell with { Edit = cell.Edit with { CrossSteps = value } },
        SelfSteps => cell with { Edit = cell.Edit with { SelfSteps = value } },
        Weight => cell with { Edit = cell.Edit with { Prompt = Weigh(cell.Edit, name, axis.Word!, Number<double>(name, axis, value), prompt) } },
        Seed => cell with { Source = (DrawnRecipe)cell.Source with { Seed = Number<ulong>(name, axis, value) } },
        Steps => cell with { Source = (DrawnRecipe)cell.Source with { Steps = Number<int>(name, axis, value) } },
        Scheduler => cell with { Source = (DrawnRecipe)cell.Source with { Scheduler = value } },
        Guidance => cell with { Source = (DrawnRecipe)cell.Source with { Guidance = Number<double>(name, axis, value) } },
        _ => throw new ArgumentOutOfRangeException(nameof(axis)),
    };

    /// <summary>The words of an edit that can have a weight.</summary>
    public static IReadOnlyList<string> Words(string source, EditedRecipe edit) => [.. Draft.Of(source, edit).Words.Where(word => !word.IsRemoved).Select(word => word.Text!).Distinct()];

    private static string Weigh(EditedRecipe edit, string name, string word, double weight, string prompt)
    {
        var draft = Draft.Of(prompt, edit);
        var places = Enumerable.Range(0, draft.Words.Count).Where(k => draft.Words[k].Text == word).ToList();
        if (places.Count == 0)
            throw new InvalidInputException(name, $"The edit has no word \"{word}\".", $"Use {InvalidInputException.AnyOf(Words(prompt, edit))}.");
        return places.Aggregate(draft, (now, place) => now.Weigh(place, weight)).Prompt;
    }

    private static T Number<T>(string name, GridAxis axis, string value)
        where T : IParsable<T> =>
        T.TryParse(value, CultureInfo.InvariantCulture, out var number) && (number is not double real || double.IsFinite(real)) ? number
            : throw new InvalidInputException(name, $"\"{value}\" is not a value of {axis.Setting}.", typeof(T) == typeof(double) ? "Use numbers." : "Use whole numbers from 0.");
}
