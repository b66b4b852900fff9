using System.CommandLine;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench</c>: reproduces the figures in the documentation.</summary>
internal static class BenchCommand
{
    public static Command Create(CancellationToken cancellationToken) => new("bench", "Reproduce the benchmark figures in docs/")
    {
        QualityBench.Create(cancellationToken),
        WeightsBench.Create(cancellationToken),
        AutoencoderBench.Create(cancellationToken),
        InversionBench.Create(cancellationToken),
        RefinementBench.Create(cancellationToken),
        PieBench.Create(cancellationToken),
        ExperimentBench.CreateAlignment(cancellationToken),
        ExperimentBench.CreateNoise(cancellationToken),
        ExperimentBench.CreateMethods(cancellationToken),
        ConceptsBench.Create(cancellationToken),
        StudioBench.Create(cancellationToken),
        SoakBench.Create(cancellationToken),
        ClusterBench.Create(cancellationToken),
        OperationsBench.Create(cancellationToken),
        ModelBench.Create(cancellationToken),
        DeviceBench.Create(cancellationToken),
    };
}
