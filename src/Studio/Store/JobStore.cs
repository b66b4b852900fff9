using System.Text.Json;
using Microsoft.Data.Sqlite;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>The jobs that are not over, on disk, so that they outlive the program.</summary>
internal sealed class JobStore(Database database)
{
    /// <summary>All of them in the order they came, but for those that another version of the program wrote and this one cannot read.</summary>
    public IReadOnlyList<StoredJob> All() => [.. database.Query("SELECT id, project, parent, recipe, starts FROM jobs ORDER BY rowid", Read).OfType<StoredJob>()];

    /// <summary>Keeps a job until it is removed.</summary>
    public void Add(StoredJob job) => database.Execute(
        "INSERT INTO jobs (id, project, parent, recipe, starts) VALUES ($id, $project, $parent, $recipe, $starts)",
        ("$id", job.Id), ("$project", job.Project), ("$parent", job.Parent), ("$recipe", StudioJson.Write(job.Recipe)), ("$starts", job.Starts));

    /// <summary>Counts a start of a job.</summary>
    public void CountStart(string job) => database.Execute("UPDATE jobs SET starts = starts + 1 WHERE id = $id", ("$id", job));

    /// <summary>Takes back the starts of a job that the program stopped itself.</summary>
    public void ClearStarts(string job) => database.Execute("UPDATE jobs SET starts = 0 WHERE id = $id", ("$id", job));

    /// <summary>Forgets a job.</summary>
    public void Remove(string job) => database.Execute("DELETE FROM jobs WHERE id = $id", ("$id", job));

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
