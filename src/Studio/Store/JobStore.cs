using System.Text.Json;
using Microsoft.Data.Sqlite;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>The unfinished jobs on disk, so that they survive a restart.</summary>
/// <param name="database">The database.</param>
/// <param name="reserve">Space for deleting on a full disk.</param>
internal sealed class JobStore(Database database, Reserve reserve)
{
    /// <summary>All jobs in order, without those that this version of the program cannot read.</summary>
    public IReadOnlyList<StoredJob> All() => [.. database.Query("SELECT id, project, parent, recipe, starts FROM jobs ORDER BY rowid", Read).OfType<StoredJob>()];

    /// <summary>Ids of all jobs, with those that this version of the program cannot read.</summary>
    public IReadOnlyList<string> Ids() => database.Query("SELECT id FROM jobs", row => row.GetString(0));

    /// <summary>Stores a job.</summary>
    public void Add(StoredJob job) => database.Execute(
        "INSERT INTO jobs (id, project, parent, recipe, starts) VALUES ($id, $project, $parent, $recipe, $starts)",
        ("$id", job.Id), ("$project", job.Project), ("$parent", job.Parent), ("$recipe", StudioJson.Write(job.Recipe)), ("$starts", job.Starts));

    /// <summary>Counts a start of a job.</summary>
    public void CountStart(string job) => database.Execute("UPDATE jobs SET starts = starts + 1 WHERE id = $id", ("$id", job));

    /// <summary>Resets the starts of a job that the program itself stopped.</summary>
    public void ClearStarts(string job) => database.Execute("UPDATE jobs SET starts = 0 WHERE id = $id", ("$id", job));

    /// <summary>Puts jobs in an order, at the places that they have together.</summary>
    /// <param name="jobs">Their ids. Those that are not stored have no place.</param>
    public void Order(IReadOnlyList<string> jobs) => database.Change(open =>
    {
        var ids = StudioJson.Write(jobs);
        var places = open.Query("SELECT rowid FROM jobs WHERE id IN (SELECT value FROM json_each($ids)) ORDER BY rowid", row => row.GetInt64(0), ("$ids", ids));
        var stored = open.Query("SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each($ids))", row => row.GetString(0), ("$ids", ids)).ToHashSet(StringComparer.Ordinal);
        // Below zero first: two jobs cannot have one place, even for a moment.
        foreach (var (id, place) in jobs.Where(stored.Contains).Zip(places))
            open.Execute("UPDATE jobs SET rowid = -$place WHERE id = $id", ("$id", id), ("$place", place));
        open.Execute("UPDATE jobs SET rowid = -rowid WHERE rowid < 0");
        return true;
    });

    /// <summary>Removes a job.</summary>
    public void Remove(string job) => reserve.Lend(() => database.Execute("DELETE FROM jobs WHERE id = $id", ("$id", job)));

    private static StoredJob? Read(SqliteDataReader row)
    {
        try
        {
            return new(row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), StudioJson.Read<Recipe>(row.GetString(3)), row.GetInt32(4));
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
