namespace PromptToPrompt.Cluster.Work;

/// <summary>Settings of a worker.</summary>
internal sealed record WorkerSettings
{
    /// <summary>The worker's name: machine and process.</summary>
    public string Id { get; init; } = $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>Its device, for display.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Whether the worker ends when no run is open.</summary>
    public bool EndsWhenIdle { get; init; }

    /// <summary>Time between two questions for work.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time after which a run that could not be opened is tried again.</summary>
    public TimeSpan RetryRefused { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Receives a line for each event.</summary>
    public Action<string>? Say { get; init; }
}
