using System.Text;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>A prompt with weights written into it, such as "a cat in (heavy snow:1.5)".</summary>
/// <remarks>
/// Parentheses that end in a colon and a number give that weight to the words they hold, even in part; nested weights multiply. Other
/// parentheses stay what they are, and so does every parenthesis written as <c>\(</c> or <c>\)</c>.
/// </remarks>
/// <param name="Text">The prompt as the model reads it, without the weights.</param>
/// <param name="Weights">The weighted words in the order of the prompt.</param>
public sealed record WeightedPrompt(string Text, IReadOnlyList<WordWeight> Weights)
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

        var text = new StringBuilder();
        var textWeights = new List<float?>();
        for (var k = 0; k < prompt.Length; k++)
        {
            if (isNotation[k])
                continue;
            text.Append(prompt[k]);
            textWeights.Add(weights[k]);
        }

        return new WeightedPrompt(text.ToString(), WeightsOf(text.ToString(), textWeights));
    }
}
