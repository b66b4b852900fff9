using System.Collections.Concurrent;

namespace PromptToPrompt.Studio.Store;

/// <summary>Lets open pages follow the changes of their project, including those of other pages and programs.</summary>
internal sealed class ProjectChanges
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> waiting = new(StringComparer.Ordinal);

    /// <summary>Completes at the next change of a project. Ask for it before you read the project, so that no change is missed.</summary>
    public Task Next(string project) => waiting.GetOrAdd(project, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Tells of a change.</summary>
    public void Tell(string project)
    {
        if (waiting.TryRemove(project, out var told))
            told.SetResult();
    }
}
