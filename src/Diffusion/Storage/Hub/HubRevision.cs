namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>Branches, tags and commits of a repository.</summary>
internal static class HubRevision
{
    /// <summary>The default branch.</summary>
    public const string Main = "main";

    /// <summary>Validates a revision.</summary>
    /// <exception cref="InvalidInputException">The text is not a valid revision.</exception>
    public static string Parse(string text) => HubPath.IsSafe(text)
        ? text
        : throw new InvalidInputException($"\"{text}\" is not a revision. Use a branch, a tag or a commit.");

    /// <summary>Whether a text is a full commit hash.</summary>
    internal static bool IsCommit(string text) => text.Length == 40 && text.All(char.IsAsciiHexDigitLower);
}
