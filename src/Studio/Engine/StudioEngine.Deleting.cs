using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Engine;

// Deleting versions and projects: jobs that use them stop, and their recordings go.
public sealed partial class StudioEngine
{
    /// <summary>Deletes a version and its descendants, and stops jobs that use them.</summary>
    /// <returns>Whether the version existed.</returns>
    public bool DeleteVersion(string id)
    {
        lock (changing)
        {
            if (store.FindVersion(id) is not { } version)
                return false;
            var versions = store.WithDescendants(id).ToHashSet(StringComparer.Ordinal);
            StopUsing(versions);
            Evict(store.RemoveVersions(version.Project, versions));
            return true;
        }
    }

    /// <summary>Moves a version and its descendants to the trash, and stops jobs that use them.</summary>
    /// <returns>Ids of what was moved.</returns>
    internal IReadOnlyList<string> TrashVersion(string id)
    {
        lock (changing)
        {
            var versions = store.WithDescendants(id).ToHashSet(StringComparer.Ordinal);
            StopUsing(versions);
            return store.FindVersion(id) is { } version ? store.Trash(version.Project, versions) : [];
        }
    }

    /// <summary>Takes versions out of the trash.</summary>
    /// <param name="project">Id of their project.</param>
    /// <param name="ids">Their ids.</param>
    /// <returns>Ids of those that are no longer there: all but those whose parent or source is gone.</returns>
    internal IReadOnlyList<string> RestoreVersions(string project, IReadOnlyCollection<string> ids)
    {
        lock (changing)
            return store.Restore(project, ids);
    }

    /// <summary>Removes versions for good that are still in the trash.</summary>
    /// <param name="project">Id of their project.</param>
    /// <param name="ids">Their ids.</param>
    internal void EmptyTrash(string project, IReadOnlyCollection<string> ids)
    {
        lock (changing)
        {
            if (store.Trashed(ids) is { Count: > 0 } trashed)
                Evict(store.RemoveVersions(project, trashed));
        }
    }

    /// <summary>Deletes a project with all its versions, and stops its jobs.</summary>
    /// <returns>Whether the project existed.</returns>
    public bool DeleteProject(string id)
    {
        lock (changing)
        {
            if (store.FindProject(id) is null)
                return false;
            Stop(job => job.Project == id);
            Evict(store.RemoveProject(id));
            return true;
        }
    }

    private void StopUsing(HashSet<string> versions) =>
        Stop(job => versions.Contains(job.Parent ?? "") || (job.Recipe is EditedRecipe edited && versions.Contains(edited.Source)));

    private void Stop(Func<Job, bool> predicate)
    {
        foreach (var job in jobs.Open.Where(predicate))
            job.Cancel();
    }

    // Their recordings are no longer needed.
    private void Evict(IReadOnlyList<string> keys) => queue.RunBetweenJobs(() => maker.Forget(key => keys.Contains(VersionKey(key))));
}
