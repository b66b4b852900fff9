using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Grids;

/// <summary>A cell of a grid: an edit, and the source it is an edit of.</summary>
/// <param name="Row">Number of its row, from 0.</param>
/// <param name="Column">Number of its column, from 0.</param>
/// <param name="Source">The recipe of the source.</param>
/// <param name="Edit">The edit. Its source is that of the plan, whose recipe the cell's own source replaces.</param>
internal sealed record GridCell(int Row, int Column, Recipe Source, EditedRecipe Edit)
{
    /// <summary>The cells of a grid, row by row.</summary>
    /// <param name="plan">The grid.</param>
    /// <param name="source">The recipe of the edit's source.</param>
    /// <exception cref="Diffusion.InvalidInputException">The grid is invalid.</exception>
    public static IReadOnlyList<GridCell> Of(GridPlan plan, Recipe source)
    {
        var (across, down) = (plan.Across, plan.Down);
        GridSettings.Require(nameof(GridPlan.Columns), across, source);
        GridSettings.Require(nameof(GridPlan.Rows), down, source);
        if (across.Setting == down.Setting && across.Word == down.Word)
            throw new Diffusion.InvalidInputException(nameof(GridPlan.Rows), "The columns vary the same setting.", "Use another one.");
        var count = across.Values.Count * down.Values.Count;
        if (count > GridPlan.MaxCells)
        {
            throw new Diffusion.InvalidInputException(
                down.IsSingle ? nameof(GridPlan.Columns) : nameof(GridPlan.Rows), $"The grid has {count} pictures.", $"Use at most {GridPlan.MaxCells}: leave some values out.");
        }

        return [.. from row in Enumerable.Range(0, down.Values.Count)
                   from column in Enumerable.Range(0, across.Values.Count)
                   let first = GridSettings.Set(new GridCell(row, column, source, plan.Edit), nameof(GridPlan.Columns), across, across.Values[column], source.Prompt)
                   select GridSettings.Set(first, nameof(GridPlan.Rows), down, down.Values[row], source.Prompt)];
    }
}
