using System.CommandLine;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models</c>: models on disk.</summary>
internal static class ModelsCommand
{
    public static Command Create(CancellationToken cancel) => new("models", "Look at models, check them, convert them, make them")
    {
        ModelInfoCommand.Create(),
        ModelCheckCommand.Create(),
        ModelConvertCommand.Create(cancel),
        RandomModelCommand.Create(cancel),
    };

    /// <summary>The model that a command is about.</summary>
    public static Argument<string> Model() => new("model") { Description = "Model directory, checkpoint in one file, or the name of a folder in models/" };
}
