namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// The error for a failed load of libtorch. The message states the file, the loader's error, and what to do.
/// </summary>
public sealed class LibTorchLoadException : Exception
{
    /// <summary>Creates the exception.</summary>
    public LibTorchLoadException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
