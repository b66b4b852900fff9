namespace PromptToPrompt.Cli;

/// <summary>Exit codes of the process.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The run failed for a reason other than the user's input.</summary>
    public const int Failed = 1;

    /// <summary>The command line, or a file or word it names, is wrong.</summary>
    public const int WrongInput = 2;

    /// <summary>Interrupted with Ctrl-C, as shells report it.</summary>
    public const int Interrupted = 130;
}
