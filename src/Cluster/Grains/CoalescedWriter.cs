namespace PromptToPrompt.Cluster.Grains;

/// <summary>
/// Stores a state once for all changes that wait for it: while a write is under way, the changes that come meanwhile share the next one. It is used on one grain's scheduler only.
/// </summary>
/// <param name="write">Stores the state as it is when the call begins.</param>
internal sealed class CoalescedWriter(Func<Task> write)
{
    private Task current = Task.CompletedTask;
    private Task? following;

    /// <summary>Stores all changes made until now.</summary>
    public Task Save() => following ??= WriteAfter(current);

    private async Task WriteAfter(Task earlier)
    {
        // Calls that are queued already join this write. It also lets Save note this task before it is cleared.
        await Task.Yield();
        // The earlier write told its own callers whether it failed.
        await earlier.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        following = null;
        await (current = write());
    }
}
