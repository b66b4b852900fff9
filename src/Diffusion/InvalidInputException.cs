namespace PromptToPrompt.Diffusion;

/// <summary>
/// The user's input is wrong: a file, a word, an option. The message is one line that says what is wrong, where, and what to do.
/// </summary>
public sealed class InvalidInputException : Exception
{
    /// <summary>Creates the exception with its one-line message.</summary>
    public InvalidInputException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>Refuses input that does not meet a condition.</summary>
    /// <exception cref="InvalidInputException">It does not.</exception>
    public static void Require(bool condition, string message)
    {
        if (!condition)
            throw new InvalidInputException(message);
    }
}
