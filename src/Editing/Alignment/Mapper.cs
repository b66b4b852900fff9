namespace PromptToPrompt.Editing.Alignment;

/// <summary>Builds the matrix of a <see cref="TokenAlignment"/>.</summary>
internal sealed class Mapper(int length)
{
    /// <summary>[length, length] row by row: rows are source tokens, columns target tokens.</summary>
    public float[] Values { get; } = new float[length * length];

    /// <summary>The target token receives all of the source token's attention.</summary>
    public void Link(int source, int target) => Values[source * length + target] = 1;

    /// <summary>
    /// A span of source tokens becomes a span of target tokens: one to one where they are equally many, else every target token
    /// receives the same share of the whole source span. Either way the span's attention is handed on whole.
    /// </summary>
    public void LinkSpan(IReadOnlyList<int> source, IReadOnlyList<int> target)
    {
        if (source.Count == target.Count)
        {
            for (var k = 0; k < source.Count; k++)
                Link(source[k], target[k]);
            return;
        }

        foreach (var s in source)
            foreach (var t in target)
                Values[s * length + t] = 1f / target.Count;
    }

    /// <summary>1 for each target token that receives something, else 0.</summary>
    public float[] Receivers()
    {
        var receivers = new float[length];
        for (var k = 0; k < Values.Length; k++)
            if (Values[k] != 0)
                receivers[k % length] = 1;
        return receivers;
    }
}
