using System.Text.Json;
using Microsoft.Data.Sqlite;
using PromptToPrompt.Studio.Grids;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>The grids on disk.</summary>
/// <param name="database">The database.</param>
/// <param name="reserve">Space for deleting on a full disk.</param>
/// <param name="changes">Tells pages of changes.</param>
internal sealed class GridStore(Database database, Reserve reserve, ProjectChanges changes)
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
        reserve.Lend(() => database.Change(open =>
        {
            open.Execute("DELETE FROM grids WHERE id = $id", ("$id", grid.Id));
            open.Execute("DELETE FROM running WHERE grid = $id", ("$id", grid.Id));
            return true;
        }));
        changes.Tell(grid.Project);
    }

    /// <summary>The grids whose making was not finished or stopped, and how often it was started.</summary>
    public IReadOnlyList<(StoredGrid Grid, int Starts)> Running() =>
    [
        .. database.Query("SELECT id, project, plan, starts FROM grids JOIN running ON grid = id ORDER BY running.rowid", row => (Grid: Read(row), Starts: row.GetInt32(3)))
            .Where(running => running.Grid is not null).Select(running => (running.Grid!, running.Starts)),
    ];

    /// <summary>Remembers that a grid is being made, and counts the start.</summary>
    public void CountStart(string grid) =>
        database.Execute("INSERT INTO running (grid, starts) VALUES ($grid, 1) ON CONFLICT (grid) DO UPDATE SET starts = starts + 1", ("$grid", grid));

    /// <summary>Sets the starts of a grid that is being made.</summary>
    public void SetStarts(string grid, int starts) => database.Execute("UPDATE running SET starts = $starts WHERE grid = $grid", ("$starts", starts), ("$grid", grid));

    /// <summary>Remembers that a grid is no longer being made.</summary>
    public void End(string grid) => reserve.Lend(() => database.Execute("DELETE FROM running WHERE grid = $grid", ("$grid", grid)));

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
