using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>Attention re-weighting (Hertz et al. 2022, section 3.3): the factor <c>c</c> of each target token.</summary>
internal static class Equalizer
{
    /// <summary>
    /// One factor per token of the prompt, 1 by default. Weights of the same token multiply. Words that the prompt does not contain are
    /// ignored.
    /// </summary>
    public static float[] Create(TokenizedPrompt prompt, IEnumerable<WordWeight> weights)
    {
        var factors = new float[prompt.Ids.Count];
        Array.Fill(factors, 1);
        foreach (var weight in weights)
            foreach (var token in TokensOf(prompt, weight))
                factors[token] *= weight.Weight;
        return factors;
    }

    private static IReadOnlyList<int> TokensOf(TokenizedPrompt prompt, WordWeight weight)
    {
        if (weight.Index is not { } index)
            return prompt.PlacesOf(weight.Word);
        if (index >= prompt.Words.Count)
            return []; // truncated
        var word = prompt.Words[index];
        return word.Text == weight.Word ? word.Tokens : word.BareTokens;
    }
}
