namespace PromptToPrompt.Cluster.Contracts;

/// <summary>The runs of a cluster. There is one, with the key 0.</summary>
internal interface ICatalog : IGrainWithIntegerKey
{
    /// <summary>Adds a run, or notes that it is open or closed.</summary>
    Task Mark(string run, bool isOpen);

    /// <summary>All runs, the newest last.</summary>
    Task<string[]> All();

    /// <summary>The runs with missing shards, the oldest first.</summary>
    Task<string[]> Open();
}

/// <summary>The workers of a cluster. There is one, with the key 0; it remembers nothing after a restart, because workers report all the time.</summary>
internal interface IFleet : IGrainWithIntegerKey
{
    /// <summary>Notes a worker.</summary>
    Task Report(WorkerStatus worker);

    /// <summary>Forgets a worker that ends.</summary>
    Task Leave(string worker);

    /// <summary>The workers that reported in the last minutes.</summary>
    Task<WorkerStatus[]> Workers();
}

/// <summary>A run; its key is the run's name.</summary>
internal interface IRun : IGrainWithStringKey
{
    /// <summary>Registers the run, or opens it again. The files decide which shards are complete.</summary>
    Task<RunStatus> Submit(RunDescription run, Survey survey);

    /// <summary>The run as it stands; null if it is unknown.</summary>
    Task<RunStatus?> Status();

    /// <summary>The description; null if the run is unknown.</summary>
    Task<RunDescription?> Describe();

    /// <summary>Leases a shard; null if there is none at the moment. A worker that has a lease gets the same one.</summary>
    Task<Lease?> Take(string worker);

    /// <summary>Renews a lease. A lease that the coordinators do not know, because they were restarted, is adopted unless another worker has the shard.</summary>
    Task<LeaseState> Beat(string worker, Lease lease, Counts progress);

    /// <summary>Notes a complete shard. The answer comes after it is stored; false if it was complete before.</summary>
    Task<bool> Complete(string worker, Lease lease, Counts shard);

    /// <summary>Gives a lease back.</summary>
    Task Release(string worker, Lease lease, LeaseEnd end, string? problem);

    /// <summary>Gives back the lease of a worker, if it has one.</summary>
    Task Leave(string worker);

    /// <summary>Notes that files of complete shards were deleted, because their failures were not the fault of their items.</summary>
    /// <param name="shards">Number and counts of each.</param>
    Task Reopen(Dictionary<int, Counts> shards);

    /// <summary>Notes that a worker cannot work on the run.</summary>
    Task Refuse(string worker, string problem);

    /// <summary>Cancels the run.</summary>
    /// <returns>False if the run is unknown.</returns>
    Task<bool> Cancel();

    /// <summary>Opens a cancelled run, and tries shards again that were given up.</summary>
    /// <returns>False if the run is unknown.</returns>
    Task<bool> Resume();
}
