namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>A user's access token. Its text goes into requests to the hub and nowhere else, least of all into messages.</summary>
/// <param name="Text">The token.</param>
/// <param name="Source">The variable or file it is from.</param>
internal sealed record HubToken(string Text, string Source)
{
    /// <summary>Reads the file in which the hub's own tools keep the token; null where it is empty.</summary>
    public static HubToken? Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The token file {path} cannot be read ({e.Message}); mend it, or set HF_TOKEN.", e);
        }
    }

    /// <summary>The token in a text; null where it is empty.</summary>
    public static HubToken? Parse(string text, string source)
    {
        var trimmed = text.Trim();
        if (!trimmed.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
            throw new InvalidInputException($"{source} holds no token: a token has letters, digits and _ only; copy it again from the hub's settings.");
        return trimmed.Length > 0 ? new HubToken(trimmed, source) : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"the token of {Source}";
}
