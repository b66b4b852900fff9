using BenchmarkDotNet.Attributes;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Benchmarks;

/// <summary>A further edit of a recorded source compared with a first edit.</summary>
public class SessionBenchmarks
{
    private EditScenario scenario = null!;
    private EditSession session = null!;

    /// <summary>Loads the model and records the source.</summary>
    [GlobalSetup]
    public void Setup()
    {
        scenario = new EditScenario();
        session = new EditSession(scenario.Model, scenario.Source, TorchSharp.torch.ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
    }

    /// <summary>Frees the recording and the model.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        session.Dispose();
        scenario.Dispose();
    }

    /// <summary>Source and edit in one batch: four rows per step.</summary>
    [Benchmark(Baseline = true)]
    public void FirstEdit() => EditRun.Execute(scenario.Model, scenario.Source, scenario.Edit).Dispose();

    /// <summary>Only the edit, steered by the recording: two rows per step.</summary>
    [Benchmark]
    public void NextEdit() => session.Edit(scenario.Edit).Dispose();
}
