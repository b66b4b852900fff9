using System.Security.Cryptography;

namespace PromptToPrompt.Cluster.Work;

/// <summary>Settings of a worker.</summary>
internal sealed record WorkerSettings
{
    /// <summary>The worker's name: machine, process and random digits. In containers, machines and processes of several workers may have the same names and numbers.</summary>
    public string Id { get; init; } = $"{Environment.MachineName}-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}";

    /// <summary>Its device, for display.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Whether the worker ends when no run is open.</summary>
    public bool EndsWhenIdle { get; init; }

    /// <summary>Time between two questions for work.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time after which a run that could not be opened is tried again.</summary>
    public TimeSpan RetryRefused { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Tries to complete a data set with missing shards before it counts as a failure. A shared folder may show new files late.</summary>
    public int FinishTries { get; init; } = 5;

    /// <summary>Receives a line for each event.</summary>
    public Action<string>? Say { get; init; }
}
