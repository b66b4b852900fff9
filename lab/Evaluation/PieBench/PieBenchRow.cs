namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>The means of a method over the items, or over those of one type.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Type">The type of edit; null for all.</param>
/// <param name="Count">Number of edits.</param>
/// <param name="Means">Each measure by its name, over the edits that have it; null if none has.</param>
internal sealed record PieBenchRow(string Method, int? Type, int Count, IReadOnlyDictionary<string, double?> Means)
{
    /// <summary>Averages the measures of each method: over all items, then over those of each type.</summary>
    public static IReadOnlyList<PieBenchRow> Of(IEnumerable<(string Method, int Type, IReadOnlyDictionary<string, double?> Measures)> edits)
    {
        var all = edits.ToList();
        return
        [
            .. all.GroupBy(edit => edit.Method).Select(group => Row(group.Key, null, [.. group.Select(edit => edit.Measures)])),
            .. all.GroupBy(edit => (edit.Method, edit.Type)).OrderBy(group => group.Key.Type).Select(group => Row(group.Key.Method, group.Key.Type, [.. group.Select(edit => edit.Measures)])),
        ];
    }

    private static PieBenchRow Row(string method, int? type, IReadOnlyList<IReadOnlyDictionary<string, double?>> measures) =>
        new(method, type, measures.Count, PieBenchMeasures.Columns.ToDictionary(column => column.Name, column => measures.Select(each => each.GetValueOrDefault(column.Name)).Average()));
}
