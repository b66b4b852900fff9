using Microsoft.Data.Sqlite;

namespace PromptToPrompt.Studio.Store;

/// <summary>Remembers deleted things for a while, so that errors can name them by more than their ids.</summary>
/// <param name="database">The database.</param>
/// <param name="clock">The clock.</param>
internal sealed class Deletions(Database database, TimeProvider clock)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(30);

    /// <summary>Notes things before they are deleted.</summary>
    /// <param name="open">A connection.</param>
    /// <param name="things">Selects their ids and descriptions, the beginning of a sentence.</param>
    /// <param name="values">Values in the selection.</param>
    public void Note(SqliteConnection open, string things, params ReadOnlySpan<(string Name, object? Value)> values) => open.Execute(
        $"INSERT OR REPLACE INTO deleted (id, thing, at) SELECT id, thing, $now FROM ({things})", [.. values, ("$now", StudioStore.Text(clock.GetUtcNow()))]);

    /// <summary>Forgets old deletions.</summary>
    public void Forget(SqliteConnection open) =>
        open.Execute("DELETE FROM deleted WHERE at < $then", ("$then", StudioStore.Text(clock.GetUtcNow() - Remembered)));

    /// <summary>Says that a thing is not there, or that it was deleted.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="id">Its id.</param>
    public string Describe(string kind, string id) =>
        database.Query("SELECT thing FROM deleted WHERE id = $id", row => row.GetString(0), ("$id", id)) is [var thing] ? $"{thing} was deleted." : $"There is no {kind} \"{id}\".";
}
