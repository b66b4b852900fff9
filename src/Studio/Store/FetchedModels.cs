namespace PromptToPrompt.Studio.Store;

/// <summary>The models that were fetched from the hub, so that they are offered after a restart. Their files are in the hub's cache.</summary>
/// <param name="database">The database.</param>
/// <param name="reserve">Space for deleting on a full disk.</param>
internal sealed class FetchedModels(Database database, Reserve reserve)
{
    /// <summary>All names with the variants of their weights, in the order they were fetched.</summary>
    public IReadOnlyList<(string Name, string? Variant)> All() => database.Query(
        "SELECT fetched.name, variant FROM fetched LEFT JOIN variants ON variants.name = fetched.name ORDER BY fetched.rowid", row => (row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1)));

    /// <summary>Adds a model.</summary>
    public void Add(string name, string? variant) => database.Change(open =>
    {
        open.Execute("INSERT OR IGNORE INTO fetched (name) VALUES ($name)", ("$name", name));
        open.Execute("DELETE FROM variants WHERE name = $name", ("$name", name));
        if (variant is not null)
            open.Execute("INSERT INTO variants (name, variant) VALUES ($name, $variant)", ("$name", name), ("$variant", variant));
        return true;
    });

    /// <summary>Removes a model.</summary>
    public void Remove(string name) => reserve.Lend(() => database.Change(open =>
    {
        open.Execute("DELETE FROM fetched WHERE name = $name", ("$name", name));
        open.Execute("DELETE FROM variants WHERE name = $name", ("$name", name));
        return true;
    }));
}
