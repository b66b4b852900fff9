namespace PromptToPrompt.Cli;

/// <summary>What the process returns.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Something failed that is not the user's input.</summary>
    public const int Failed = 1;

    /// <summary>The command line, or a file or word it names, is wrong.</summary>
    public const int WrongInput = 2;

    /// <summary>Ctrl-C, as shells report it.</summary>
    public const int Interrupted = 130;
}
