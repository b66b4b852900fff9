namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Branches, tags and commits of a repository.</summary>
internal static class HubRevision
{
    /// <summary>The branch that is meant where none is named.</summary>
    public const string Main = "main";

    /// <summary>A revision that can be asked for.</summary>
    /// <exception cref="InvalidInputException">It can not.</exception>
    public static string Parse(string text) => HubPath.IsSafe(text)
        ? text
        : throw new InvalidInputException($"\"{text}\" is no revision; give a branch, a tag or a commit.");

    /// <summary>Whether a text is a whole commit.</summary>
    internal static bool IsCommit(string text) => text.Length == 40 && text.All(char.IsAsciiHexDigitLower);
}
