using System.CommandLine;
using PromptToPrompt.Cli.Help;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models</c>: manages models on disk.</summary>
internal static class ModelsCommand
{
    public static Command Create(CancellationToken cancellationToken) => new Command("models", "Download, inspect, check and convert models")
    {
        ModelPullCommand.Create(cancellationToken),
        ModelListCommand.Create(),
        ModelRemoveCommand.Create(),
        ModelInfoCommand.Create(),
        ModelCheckCommand.Create(),
        ModelConvertCommand.Create(cancellationToken),
        RandomModelCommand.Create(cancellationToken),
    }.In(HelpGroup.Models);

    /// <summary>The argument that names a model.</summary>
    public static Argument<string> Model() => new("model") { Description = "Diffusers directory, single-file checkpoint, OWNER/NAME of a pulled model, or the name of a folder in models/" };
}
