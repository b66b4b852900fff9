using Microsoft.Data.Sqlite;

namespace PromptToPrompt.Studio.Store;

/// <summary>Removes unreferenced data. A newly stored picture is kept for a while, until a version or a job refers to it.</summary>
/// <param name="database">The database.</param>
/// <param name="deletions">Remembers deleted things.</param>
/// <param name="reserve">Space for deleting on a full disk.</param>
/// <param name="inversions">Folder of the inversion files, named by recipe key.</param>
/// <param name="clock">The clock.</param>
internal sealed class Housekeeping(Database database, Deletions deletions, Reserve reserve, string inversions, TimeProvider clock)
{
    /// <summary>How long an unused picture is kept.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromDays(1);

    private const string IsUnused = "name NOT IN (SELECT name FROM needed WHERE name IS NOT NULL)";

    /// <summary>Writes new data. On a full disk, deleted pictures that could be brought back give way to it.</summary>
    public T Write<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (DiskFullException)
        {
            if (!EmptyTrash())
                throw;
            return work();
        }
    }

    /// <inheritdoc cref="Write{T}(Func{T})"/>
    public void Write(Action work) => Write(() =>
    {
        work();
        return true;
    });

    /// <summary>Marks a picture as newly stored.</summary>
    public void Keep(SqliteConnection open, string picture) => open.Execute(
        "INSERT INTO fresh (picture, until) VALUES ($picture, $until) ON CONFLICT (picture) DO UPDATE SET until = $until",
        ("$picture", picture), ("$until", StudioStore.Text(clock.GetUtcNow() + Grace)));

    /// <summary>Removes leftovers of the last run, which may have been killed. Call while no job runs.</summary>
    public void Begin()
    {
        try
        {
            // The pages that could bring them back are gone.
            EmptyTrash();
            reserve.Lend(() => database.Change(open =>
            {
                deletions.Forget(open);
                return RemovePictures(open);
            }));
        }
        catch (DiskFullException)
        {
            // The studio starts all the same; the next start removes them.
        }

        var known = database.Query("SELECT key FROM versions", row => row.GetString(0)).ToHashSet(StringComparer.Ordinal);
        RemoveFiles(Directory.EnumerateFiles(inversions).Where(file => !known.Contains(Path.GetFileNameWithoutExtension(file).Split('-')[0])));
        MakeRoom();
    }

    /// <summary>Moves versions to the trash.</summary>
    /// <returns>Ids of those that were not there yet.</returns>
    public IReadOnlyList<string> Trash(IReadOnlyCollection<string> versions) => reserve.Lend(() => database.Change(open =>
    {
        var ids = Recipes.StudioJson.Write(versions);
        var moved = open.Query("SELECT id FROM kept WHERE id IN (SELECT value FROM json_each($ids))", row => row.GetString(0), ("$ids", ids));
        deletions.Note(open, "SELECT id, 'Picture ' || number AS thing FROM kept WHERE id IN (SELECT value FROM json_each($ids))", ("$ids", ids));
        open.Execute("INSERT INTO trash (version) SELECT value FROM json_each($ids)", ("$ids", Recipes.StudioJson.Write(moved)));
        return moved;
    }));

    /// <summary>Takes versions out of the trash, except those whose parent or source is gone.</summary>
    /// <returns>Ids of those that are still there.</returns>
    public IReadOnlyList<string> Restore(IReadOnlyCollection<string> versions) => reserve.Lend(() => database.Change(open =>
    {
        const string Needs = "SELECT 1 FROM versions WHERE id = $id AND (parent IS NULL OR parent IN (SELECT id FROM kept)) "
            + "AND (json_extract(recipe, '$.source') IS NULL OR json_extract(recipe, '$.source') IN (SELECT id FROM kept))";
        var ids = Recipes.StudioJson.Write(versions);
        // Whatever a version is made from has a smaller number.
        foreach (var id in open.Query("SELECT id FROM versions WHERE id IN (SELECT value FROM json_each($ids)) ORDER BY number", row => row.GetString(0), ("$ids", ids)))
            open.Execute($"DELETE FROM trash WHERE version = $id AND EXISTS ({Needs})", ("$id", id));
        return open.Query("SELECT version FROM trash WHERE version IN (SELECT value FROM json_each($ids))", row => row.GetString(0), ("$ids", ids));
    }));

    /// <summary>Removes all versions in the trash.</summary>
    /// <returns>Whether there were any.</returns>
    public bool EmptyTrash()
    {
        var trashed = database.Query("SELECT version FROM trash", row => row.GetString(0));
        if (trashed.Count > 0)
            Remove(trashed, project: null);
        return trashed.Count > 0;
    }

    /// <summary>Removes versions and the data that only they used.</summary>
    /// <param name="versions">Their ids.</param>
    /// <param name="project">A project to remove with them, or null.</param>
    /// <returns>The keys that no remaining version has.</returns>
    public IReadOnlyList<string> Remove(IReadOnlyCollection<string> versions, string? project)
    {
        var ids = Recipes.StudioJson.Write(versions);
        var keys = reserve.Lend(() => database.Change(open =>
        {
            deletions.Note(open, "SELECT id, 'Picture ' || number AS thing FROM versions WHERE id IN (SELECT value FROM json_each($ids))", ("$ids", ids));
            deletions.Note(open, "SELECT id, 'The project “' || name || '”' AS thing FROM projects WHERE id = $project", ("$project", project));
            var before = open.Query("SELECT DISTINCT key FROM versions WHERE id IN (SELECT value FROM json_each($ids))", row => row.GetString(0), ("$ids", ids));
            open.Execute("DELETE FROM versions WHERE id IN (SELECT value FROM json_each($ids))", ("$ids", ids));
            foreach (var table in new[] { "trash", "marks" })
                open.Execute($"DELETE FROM {table} WHERE version IN (SELECT value FROM json_each($ids))", ("$ids", ids));
            open.Execute("DELETE FROM grids WHERE project = $project OR json_extract(plan, '$.edit.source') IN (SELECT value FROM json_each($ids))", ("$project", project), ("$ids", ids));
            open.Execute("DELETE FROM running WHERE grid NOT IN (SELECT id FROM grids)");
            open.Execute("DELETE FROM projects WHERE id = $project", ("$project", project));
            RemovePictures(open);
            return before.Where(key => open.Query("SELECT 1 FROM versions WHERE key = $key LIMIT 1", _ => true, ("$key", key)).Count == 0).ToList();
        }));
        RemoveFiles(keys.SelectMany(key => Directory.EnumerateFiles(inversions, $"{key}*")));
        MakeRoom();
        return keys;
    }

    private bool RemovePictures(SqliteConnection open)
    {
        open.Execute("DELETE FROM fresh WHERE until < $now", ("$now", StudioStore.Text(clock.GetUtcNow())));
        deletions.Note(open, $"SELECT name AS id, 'The picture' AS thing FROM pictures WHERE {IsUnused}");
        open.Execute($"DELETE FROM pictures WHERE {IsUnused}");
        return true;
    }

    private void MakeRoom()
    {
        try
        {
            reserve.Lend(database.Shrink);
        }
        catch (DiskFullException)
        {
            // The next deletion returns the space. Until then new pictures use it.
        }

        reserve.Fill();
    }

    private static void RemoveFiles(IEnumerable<string> files)
    {
        foreach (var file in files.ToList())
        {
            try
            {
                File.Delete(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The file is in use or protected; the next start tries again.
            }
        }
    }
}
