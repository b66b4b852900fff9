namespace PromptToPrompt.Editing.Alignment;

/// <summary>Builds the matrix of a <see cref="TokenAlignment"/>.</summary>
internal sealed class Mapper(int length)
{
    /// <summary>[length, length] row by row: rows are source tokens, columns target tokens.</summary>
    public float[] Values { get; } = new float[length * length];

    /// <summary>Gives the target token all of the source token's attention.</summary>
    public void Link(int source, int target) => Values[source * length + target] = 1;

    /// <summary>
    /// Links a span of source tokens to a span of target tokens: one to one if the counts are equal; otherwise every target token
    /// receives the same share of the whole source span. In both cases the span's attention is passed on completely.
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

    /// <summary>1 for each target token that receives attention, else 0.</summary>
    public float[] Receivers()
    {
        var receivers = new float[length];
        for (var k = 0; k < Values.Length; k++)
            if (Values[k] != 0)
                receivers[k % length] = 1;
        return receivers;
    }
}
