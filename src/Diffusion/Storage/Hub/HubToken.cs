namespace PromptToPrompt.Diffusion.Storage.Hub;

/// <summary>A user's access token. Its text is sent only to the hub, and never appears in messages.</summary>
/// <param name="Text">The token.</param>
/// <param name="Source">The variable or file that it comes from.</param>
internal sealed record HubToken(string Text, string Source)
{
    /// <summary>Reads the token file of the hub's own tools; null if it is empty.</summary>
    public static HubToken? Read(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The token file {path} cannot be read ({e.Message}). Fix it, or set HF_TOKEN.", e);
        }
    }

    /// <summary>The token in a text; null if it is empty.</summary>
    public static HubToken? Parse(string text, string source)
    {
        var trimmed = text.Trim();
        if (!trimmed.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
            throw new InvalidInputException($"{source} does not contain a valid token: a token has only letters, digits and _. Copy it again from the hub's settings.");
        return trimmed.Length > 0 ? new HubToken(trimmed, source) : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"the token of {Source}";
}
