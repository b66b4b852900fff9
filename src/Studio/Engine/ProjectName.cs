namespace PromptToPrompt.Studio.Engine;

/// <summary>The name of a project that begins with a picture.</summary>
internal static class ProjectName
{
    private const int Longest = 60;

    /// <summary>The prompt, cut after a whole word if it is long.</summary>
    public static string Of(string prompt)
    {
        var words = string.Join(' ', prompt.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (words.Length <= Longest)
            return words;
        var end = words.LastIndexOf(' ', Longest);
        if (end < 0)
            end = char.IsLowSurrogate(words[Longest]) ? Longest - 1 : Longest;
        return $"{words[..end]}…";
    }
}
