namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// libtorch could not be loaded. The message is one sentence: which file, what the system's loader said, and what to do.
/// </summary>
public sealed class LibTorchLoadException : Exception
{
    /// <summary>Creates the exception with its one-sentence message.</summary>
    public LibTorchLoadException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
