namespace PromptToPrompt.Studio.Drafts;

/// <summary>English words that join others and have no place in a picture of their own.</summary>
internal static class FunctionWords
{
    private static readonly HashSet<string> All = new(StringComparer.OrdinalIgnoreCase)
    {
        "a", "an", "the", "this", "that", "these", "those", "its", "his", "her", "their", "some", "and", "or", "but", "of", "with", "without", "in", "on", "at", "by", "to", "for",
        "from", "as", "is", "are", "into", "onto", "over", "under", "near", "above", "across", "after", "against", "along", "among", "around", "before", "behind", "below",
        "beneath", "beside", "between", "beyond", "during", "inside", "outside", "past", "through", "toward", "towards", "upon", "while", "within", "next",
    };

    /// <summary>Whether a phrase has a word that means something by itself.</summary>
    public static bool HasOther(string phrase) => Draft.Split(phrase).Any(word => Draft.Bare(word) is { Length: > 0 } bare && !All.Contains(bare));
}
