namespace PromptToPrompt.Editing.Prompts;

/// <summary>A prompt with weights in its text, such as "a cat in (heavy snow:1.5)".</summary>
/// <remarks>
/// Parentheses that end in a colon and a number give that weight to the words they contain, or to parts of words; nested weights multiply.
/// All other parentheses are text, as is every parenthesis written as <c>\(</c> or <c>\)</c>. If the parts of a word have different
/// weights, the first one applies.
/// </remarks>
/// <param name="Text">The prompt without the weights, as the model reads it.</param>
/// <param name="Weights">The weighted words in the order of the prompt.</param>
internal sealed record WeightedPrompt(string Text, IReadOnlyList<WordWeight> Weights)
{
    /// <summary>Parses a prompt. Every text is valid.</summary>
    public static WeightedPrompt Parse(string prompt)
    {
        // First mark the notation and the weight of each character, then extract the clean text.
        var isNotation = new bool[prompt.Length];
        var weights = new float?[prompt.Length];
        var open = new Stack<int>();
        for (var k = 0; k < prompt.Length; k++)
        {
            if (prompt[k] == '\\' && k + 1 < prompt.Length && prompt[k + 1] is '(' or ')')
            {
                isNotation[k++] = true;
            }
            else if (prompt[k] == '(')
            {
                open.Push(k);
            }
            else if (prompt[k] == ')' && open.TryPop(out var start))
            {
                var colon = prompt.LastIndexOf(':', k, k - start);
                if (colon < 0 || !WordWeight.TryParseWeight(prompt.AsSpan(colon + 1, k - colon - 1), out var weight))
                    continue;
                isNotation[start] = true;
                isNotation.AsSpan(colon..(k + 1)).Fill(true);
                for (var c = start + 1; c < colon; c++)
                    weights[c] = (weights[c] ?? 1) * weight;
            }
        }

        var kept = Enumerable.Range(0, prompt.Length).Where(k => !isNotation[k]).ToArray();
        var text = string.Concat(kept.Select(k => prompt[k]));
        return new WeightedPrompt(text, [.. WordsOf(text, [.. kept.Select(k => weights[k])])]);
    }

    /// <summary>Escapes a text's parentheses, so that none of them is read as notation.</summary>
    internal static string Escaped(string text) => text.Replace("(", @"\(", StringComparison.Ordinal).Replace(")", @"\)", StringComparison.Ordinal);

    // Words are separated by white space, as in the tokenizer. Only the weighted part of a word is named, so that the comma of "(cat:2),"
    // keeps its weight.
    private static IEnumerable<WordWeight> WordsOf(string text, float?[] weights)
    {
        var index = 0;
        for (int start = 0, end; start < text.Length; start = end + 1)
        {
            for (end = start; end < text.Length && !char.IsWhiteSpace(text[end]);)
                end++;
            if (end == start)
                continue;
            var first = Array.FindIndex(weights, start, end - start, weight => weight is not null);
            if (first >= 0)
            {
                var last = Array.FindLastIndex(weights, end - 1, end - first, weight => weight is not null);
                yield return new WordWeight(text[first..(last + 1)], weights[first]!.Value, index);
            }

            index++;
        }
    }
}
