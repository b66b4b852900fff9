using System.Text.Json;
using Microsoft.Data.Sqlite;
using PromptToPrompt.Studio.Grids;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>The grids on disk.</summary>
/// <param name="database">The database.</param>
/// <param name="changes">Tells pages of changes.</param>
internal sealed class GridStore(Database database, ProjectChanges changes)
{
    /// <summary>The grids of a project in the order they were made, without those that this version of the program cannot read.</summary>
    public IReadOnlyList<StoredGrid> Of(string project) =>
        [.. database.Query("SELECT id, project, plan FROM grids WHERE project = $project ORDER BY rowid", Read, ("$project", project)).OfType<StoredGrid>()];

    /// <summary>A grid, or null.</summary>
    public StoredGrid? Find(string id) => database.Query("SELECT id, project, plan FROM grids WHERE id = $id", Read, ("$id", id)).SingleOrDefault();

    /// <summary>Stores a grid.</summary>
    public void Add(StoredGrid grid)
    {
        database.Execute("INSERT INTO grids (id, project, plan) VALUES ($id, $project, $plan)", ("$id", grid.Id), ("$project", grid.Project), ("$plan", StudioJson.Write(grid.Plan)));
        changes.Tell(grid.Project);
    }

    /// <summary>Removes a grid. Its pictures stay.</summary>
    public void Remove(StoredGrid grid)
    {
        database.Execute("DELETE FROM grids WHERE id = $id", ("$id", grid.Id));
        changes.Tell(grid.Project);
    }

    private static StoredGrid? Read(SqliteDataReader row)
    {
        try
        {
            return new(row.GetString(0), row.GetString(1), StudioJson.Read<GridPlan>(row.GetString(2)));
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
