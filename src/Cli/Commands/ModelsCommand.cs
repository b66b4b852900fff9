using System.CommandLine;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models</c>: models on disk.</summary>
internal static class ModelsCommand
{
    public static Command Create(CancellationToken cancel) => new("models", "Get models, look at them, check them, convert them, make them")
    {
        ModelPullCommand.Create(cancel),
        ModelListCommand.Create(),
        ModelRemoveCommand.Create(),
        ModelInfoCommand.Create(),
        ModelCheckCommand.Create(),
        ModelConvertCommand.Create(cancel),
        RandomModelCommand.Create(cancel),
    };

    /// <summary>The model that a command is about.</summary>
    public static Argument<string> Model() => new("model") { Description = "Model directory, checkpoint in one file, OWNER/NAME of a pulled model, or the name of a folder in models/" };
}
