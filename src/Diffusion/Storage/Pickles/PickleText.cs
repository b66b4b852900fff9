namespace PromptToPrompt.Diffusion.Storage.Pickles;

/// <summary>Texts out of a file that nobody has checked, for messages.</summary>
internal static class PickleText
{
    private const int Shown = 100;

    /// <summary>Keeps a name from breaking the line or filling the screen.</summary>
    public static string OneLine(string text)
    {
        var line = string.Concat(text.Take(Shown + 1).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return line.Length <= Shown ? line : line[..Shown] + "…";
    }
}
