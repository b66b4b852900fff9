using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Grids;

/// <summary>A place in a grid's table.</summary>
/// <param name="Version">Its picture; null as long as it is not made.</param>
/// <param name="IsSource">Whether it is a source, not an edit.</param>
public sealed record GridPlace(PictureVersion? Version, bool IsSource);

/// <summary>A row of a grid's table.</summary>
/// <param name="Label">Its label.</param>
/// <param name="Places">Its places, one for each column.</param>
public sealed record GridRow(string Label, IReadOnlyList<GridPlace> Places);

/// <summary>A grid with its pictures, as <see cref="GridLayout"/> arranges them.</summary>
/// <param name="Title">What the edit changes.</param>
/// <param name="Columns">Labels of the columns.</param>
/// <param name="Rows">The rows.</param>
/// <param name="Made">Number of edits that are made.</param>
/// <param name="Count">Number of edits.</param>
public sealed record GridTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<GridRow> Rows, int Made, int Count)
{
    /// <summary>Whether all its pictures are made.</summary>
    public bool IsComplete => Made == Count;

    /// <summary>The table of a grid; null if its source is gone.</summary>
    /// <param name="plan">The grid.</param>
    /// <param name="versions">The versions of its project.</param>
    internal static GridTable? Of(GridPlan plan, IReadOnlyList<PictureVersion> versions)
    {
        if (versions.FirstOrDefault(version => version.Id == plan.Edit.Source) is not { } source)
            return null;
        var made = new MadeVersions(source, versions);
        var (across, down) = (plan.Across, plan.Down);
        var cells = GridCell.Of(plan, source.Recipe);
        var (columns, rows) = GridLayout.Of(
            [.. across.Values.Select(value => Label(across, value))], [.. down.Values.Select(value => Label(down, value))],
            (row, column) => Cell(row, column).Source,
            (row, column) => new GridPlace(made.Source(Cell(row, column)), true),
            (row, column) => new GridPlace(made.Edit(Cell(row, column)), false));
        return new GridTable(
            $"{source.Recipe.Prompt} → {plan.Edit.Prompt}", columns, [.. rows.Select(row => new GridRow(row.Label, row.Places))], cells.Count(cell => made.Edit(cell) is not null), cells.Count);

        GridCell Cell(int row, int column) => cells[(row * across.Values.Count) + column];
    }

    /// <summary>A short name of a grid: the settings that vary.</summary>
    internal static string Name(GridPlan plan) => string.Join(" × ", new[] { plan.Across, plan.Down }.Where(axis => !axis.IsSingle).Select(axis => axis.Word ?? Short(axis.Setting)));

    private static string Label(GridAxis axis, string value) => axis.IsSingle ? GridLayout.Single : axis.Setting == GridSettings.Scheduler ? value : axis.Label(value, Short(axis.Setting));

    // Labels are as wide as a picture at most.
    private static string Short(string setting) => setting switch
    {
        GridSettings.CrossSteps => "words",
        GridSettings.SelfSteps => "shapes",
        _ => setting,
    };
}

/// <summary>Finds the pictures of cells among the versions of a project.</summary>
internal sealed class MadeVersions(PictureVersion source, IReadOnlyList<PictureVersion> versions)
{
    private readonly Dictionary<(string? Parent, string Recipe), PictureVersion> known =
        versions.GroupBy(version => (version.Parent, Text(version.Recipe))).ToDictionary(group => group.Key, group => group.First());

    /// <summary>The source of a cell; null if it is not drawn yet.</summary>
    public PictureVersion? Source(GridCell cell) => cell.Source == source.Recipe ? source : known.GetValueOrDefault((null, Text(cell.Source)));

    /// <summary>The picture of a cell; null if it is not made yet.</summary>
    public PictureVersion? Edit(GridCell cell) => Source(cell) is { } its ? known.GetValueOrDefault((its.Id, Text(cell.Edit with { Source = its.Id }))) : null;

    private static string Text(Recipe recipe) => StudioJson.Write(recipe);
}
