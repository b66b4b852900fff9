using PromptToPrompt.Studio.Grids;

namespace PromptToPrompt.Studio.Pages;

/// <summary>An axis of a grid, as it is typed.</summary>
/// <param name="Setting">The setting that varies; empty for none.</param>
/// <param name="Word">The word whose weight varies.</param>
/// <param name="Values">The values, separated by commas.</param>
public sealed record GridAxisDraft(string Setting, string Word, string Values)
{
    /// <summary>The axis in the notation of a plan.</summary>
    public string Text => Setting.Length == 0 ? "" : $"{Setting}{(Setting == GridSettings.Weight ? $":{Word}" : "")}={Values}";

    /// <summary>Number of places.</summary>
    public int Count => Setting.Length == 0 ? 1 : Values.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Length;
}
