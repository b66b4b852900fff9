using System.CommandLine;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench</c>: the figures that the project states of itself.</summary>
internal static class BenchCommand
{
    public static Command Create(CancellationToken cancel) => new("bench", "Reproduce the benchmark figures in docs/")
    {
        QualityBench.Create(cancel),
        WeightsBench.Create(cancel),
        InversionBench.Create(cancel),
        ConceptsBench.Create(cancel),
        StudioBench.Create(cancel),
        ModelBench.Create(cancel),
        DeviceBench.Create(cancel),
    };
}
