using PromptToPrompt.Cluster.Contracts;

namespace PromptToPrompt.Cluster.Grains;

/// <summary>The list of runs.</summary>
internal sealed class CatalogGrain([PersistentState("catalog", StorageNames.Runs)] IPersistentState<CatalogState> list) : Grain, ICatalog
{
    // Older closed runs are forgotten; their data sets stay.
    private const int MaxRuns = 200;

    // A write that failed is repeated with the next change.
    private bool isStored = true;

    /// <inheritdoc/>
    public async Task Mark(string run, bool isOpen)
    {
        var entries = list.State.Runs;
        var index = entries.FindIndex(entry => entry.Id == run);
        var entry = new CatalogEntry(run, isOpen);
        if (index >= 0 && entries[index] == entry && isStored)
            return;
        if (index >= 0)
            entries[index] = entry;
        else
            entries.Add(entry);
        while (entries.Count > MaxRuns && entries.Find(old => !old.IsOpen) is { } oldest)
            entries.Remove(oldest);
        isStored = false;
        await list.WriteStateAsync();
        isStored = true;
    }

    /// <inheritdoc/>
    public Task<string[]> All() => Task.FromResult<string[]>([.. list.State.Runs.Select(entry => entry.Id)]);

    /// <inheritdoc/>
    public Task<string[]> Open() => Task.FromResult<string[]>([.. list.State.Runs.Where(entry => entry.IsOpen).Select(entry => entry.Id)]);
}

/// <summary>The stored list of runs, the newest last.</summary>
internal sealed class CatalogState
{
    /// <summary>The runs.</summary>
    public List<CatalogEntry> Runs { get; set; } = [];
}

/// <summary>A run in the list.</summary>
/// <param name="Id">Its name.</param>
/// <param name="IsOpen">Whether shards are missing.</param>
internal sealed record CatalogEntry(string Id, bool IsOpen);
