namespace PromptToPrompt.Studio.Grids;

/// <summary>The table of a grid: labels, edits, and their sources at the left if each row has one, else at the top if each column has one.</summary>
internal static class GridLayout
{
    /// <summary>Label of the row or column of sources.</summary>
    public const string Sources = "source";

    /// <summary>Label of the only row or column.</summary>
    public const string Single = "edit";

    /// <summary>Arranges a grid.</summary>
    /// <typeparam name="TSource">What tells sources apart.</typeparam>
    /// <typeparam name="T">What is put into the table.</typeparam>
    /// <param name="columns">Labels of the columns.</param>
    /// <param name="rows">Labels of the rows.</param>
    /// <param name="sourceOf">The source of the edit in a row and column.</param>
    /// <param name="source">What to put where the source of a row and column stands.</param>
    /// <param name="edit">What to put where the edit of a row and column stands.</param>
    public static (IReadOnlyList<string> Columns, IReadOnlyList<(string Label, IReadOnlyList<T> Places)> Rows) Of<TSource, T>(
        IReadOnlyList<string> columns, IReadOnlyList<string> rows, Func<int, int, TSource> sourceOf, Func<int, int, T> source, Func<int, int, T> edit)
    {
        var (across, down) = (Enumerable.Range(0, columns.Count), Enumerable.Range(0, rows.Count));
        var atLeft = down.All(row => IsOne(across.Select(column => sourceOf(row, column))));
        var atTop = !atLeft && across.All(column => IsOne(down.Select(row => sourceOf(row, column))));
        List<(string Label, IReadOnlyList<T> Places)> table = [.. down.Select(row => (rows[row], Row(row)))];
        if (atTop)
            table.Insert(0, (Sources, [.. across.Select(column => source(0, column))]));
        return ([.. atLeft ? columns.Prepend(Sources) : columns], table);

        IReadOnlyList<T> Row(int row)
        {
            var edits = across.Select(column => edit(row, column));
            return [.. atLeft ? edits.Prepend(source(row, 0)) : edits];
        }
    }

    private static bool IsOne<T>(IEnumerable<T> sources) => sources.Distinct().Count() == 1;
}
