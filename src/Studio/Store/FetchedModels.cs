namespace PromptToPrompt.Studio.Store;

/// <summary>The names of models that were fetched from the hub, so that they are offered after a restart. Their files are in the hub's cache.</summary>
/// <param name="database">The database.</param>
internal sealed class FetchedModels(Database database)
{
    /// <summary>All names, in the order they were fetched.</summary>
    public IReadOnlyList<string> All() => database.Query("SELECT name FROM fetched ORDER BY rowid", row => row.GetString(0));

    /// <summary>Adds a name.</summary>
    public void Add(string name) => database.Execute("INSERT OR IGNORE INTO fetched (name) VALUES ($name)", ("$name", name));
}
