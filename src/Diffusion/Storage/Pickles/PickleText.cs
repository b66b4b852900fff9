namespace PromptToPrompt.Diffusion.Storage.Pickles;

/// <summary>Formats unchecked text from a file for messages.</summary>
internal static class PickleText
{
    private const int Shown = 100;

    /// <summary>Replaces control characters and limits the length.</summary>
    public static string OneLine(string text)
    {
        var line = string.Concat(text.Take(Shown + 1).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return line.Length <= Shown ? line : line[..Shown] + "…";
    }
}
