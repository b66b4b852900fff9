namespace PromptToPrompt.Editing.Prompts;

/// <summary>A prompt with weights written into it, such as "a cat in (heavy snow:1.5)".</summary>
/// <remarks>
/// Parentheses that end in a colon and a number give that weight to the words they hold, even in part; nested weights multiply. Other
/// parentheses stay what they are, and so does every parenthesis written as <c>\(</c> or <c>\)</c>. Where the parts of one word have
/// different weights the first one counts.
/// </remarks>
/// <param name="Text">The prompt as the model reads it, without the weights.</param>
/// <param name="Weights">The weighted words in the order of the prompt.</param>
internal sealed record WeightedPrompt(string Text, IReadOnlyList<WordWeight> Weights)
{
    /// <summary>Reads a prompt. Every text is one.</summary>
    public static WeightedPrompt Parse(string prompt)
    {
        // First mark what is notation and which weight each character has, then read off the clean text.
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

    /// <summary>A text in which no parenthesis is notation, as it is written in a prompt.</summary>
    internal static string Escaped(string text) => text.Replace("(", @"\(", StringComparison.Ordinal).Replace(")", @"\)", StringComparison.Ordinal);

    // Words are what stands between white space, as the tokenizer has them. Of a word only the weighted part is named, so that the
    // comma of "(cat:2)," stays as it is.
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
