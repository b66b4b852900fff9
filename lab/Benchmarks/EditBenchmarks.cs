using BenchmarkDotNet.Attributes;

namespace PromptToPrompt.Benchmarks;

/// <summary>A whole edit of 10 steps including decoding: the fused path compared with one that holds every map.</summary>
public class EditBenchmarks
{
    private EditScenario scenario = null!;

    /// <summary>Loads the model and checks that both paths agree.</summary>
    [GlobalSetup]
    public void Setup()
    {
        scenario = new EditScenario();
        Console.WriteLine(FormattableString.Invariant($"// The two paths differ by {scenario.RequireAgreement():E1} of the largest latent."));
    }

    /// <summary>Frees the model.</summary>
    [GlobalCleanup]
    public void Cleanup() => scenario.Dispose();

    /// <summary>All maps in memory.</summary>
    [Benchmark(Baseline = true)]
    public void Materialized() => scenario.RunMaterialized().Dispose();

    /// <summary>No maps in memory.</summary>
    [Benchmark]
    public void Fused() => scenario.RunFused().Dispose();
}
