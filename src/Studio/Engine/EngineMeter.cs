using System.Diagnostics.Metrics;

namespace PromptToPrompt.Studio.Engine;

/// <summary>The engine's metrics for OpenTelemetry.</summary>
internal sealed class EngineMeter : IDisposable
{
    public const string Name = "PromptToPrompt.Studio";

    private readonly Meter meter = new(Name);
    private readonly Histogram<double> duration;

    public EngineMeter(Func<int> waiting, Func<long> sessionBytes)
    {
        duration = meter.CreateHistogram<double>("studio.job.duration", "s", "Time a job used the device, by kind of recipe and outcome.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800] });
        meter.CreateObservableGauge("studio.queue.length", waiting, "{job}", "Jobs waiting for the device.");
        meter.CreateObservableGauge("studio.sessions.size", sessionBytes, "By", "Memory of recorded sources.");
    }

    public void Count(string kind, string end, TimeSpan time) => duration.Record(time.TotalSeconds, new("kind", kind), new("end", end));

    public void Dispose() => meter.Dispose();
}
