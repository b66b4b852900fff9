using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Lab.Benches;

namespace PromptToPrompt.Lab;

/// <summary>The commands of p2p-lab.</summary>
internal static class LabCommands
{
    public static RootCommand Create(CancellationToken cancellationToken) => BlankNames.Refuse(HelpText.AddTo(new RootCommand("Train the embedded model and reproduce the figures in docs/.")
    {
        TrainCommand.Create(cancellationToken),
        BenchCommand.Create(cancellationToken),
    }));
}
