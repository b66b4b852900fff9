using System.CommandLine;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models</c>: model directories.</summary>
internal static class ModelsCommand
{
    public static Command Create(CancellationToken cancel) => new("models", "Make model directories")
    {
        RandomModelCommand.Create(cancel),
    };
}
