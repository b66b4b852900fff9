using System.CommandLine;

namespace PromptToPrompt.Cli.Benches;

/// <summary><c>p2p bench</c>: the figures that the project states of itself.</summary>
internal static class BenchCommand
{
    public static Command Create(CancellationToken cancel) => new("bench", "Measure what the documentation states")
    {
        QualityBench.Create(cancel),
        WeightsBench.Create(cancel),
        InversionBench.Create(cancel),
        ConceptsBench.Create(cancel),
        StudioBench.Create(cancel),
        ModelBench.Create(cancel),
    };
}
