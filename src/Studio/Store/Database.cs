using Microsoft.Data.Sqlite;

namespace PromptToPrompt.Studio.Store;

/// <summary>A SQLite file. Readers never wait; writes are serialized.</summary>
internal sealed class Database : IDisposable
{
    private readonly string connection;
    private readonly Lock changing = new();

    /// <summary>Opens or creates a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="schema">Statements that create missing tables.</param>
    public Database(string path, string schema)
    {
        connection = new SqliteConnectionStringBuilder { DataSource = path, ForeignKeys = true }.ToString();
        using var open = Open();
        // Lets space be returned page by page. A file created without it is rewritten once.
        const int Incremental = 2;
        if (open.Query("PRAGMA auto_vacuum", row => row.GetInt32(0))[0] != Incremental)
            open.Execute($"PRAGMA auto_vacuum = {Incremental}; VACUUM;");
        open.Execute("PRAGMA journal_mode = WAL;");
        open.Execute(schema);
    }

    /// <summary>Executes a query.</summary>
    public IReadOnlyList<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var open = Open();
        return open.Query(sql, read, values);
    }

    /// <summary>Executes one change.</summary>
    public void Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        lock (changing)
        {
            using var open = Open();
            open.Execute(sql, values);
        }
    }

    /// <summary>Executes several changes in a transaction.</summary>
    public T Change<T>(Func<SqliteConnection, T> work)
    {
        lock (changing)
        {
            using var open = Open();
            using var transaction = open.BeginTransaction();
            var result = work(open);
            transaction.Commit();
            return result;
        }
    }

    /// <summary>Returns freed space to the file system.</summary>
    public void Shrink()
    {
        lock (changing)
        {
            using var open = Open();
            // A page is freed with each row that is read.
            open.Query("PRAGMA incremental_vacuum", _ => true);
            open.Query("PRAGMA wal_checkpoint(TRUNCATE)", _ => true);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        using var pooled = new SqliteConnection(connection);
        SqliteConnection.ClearPool(pooled);
    }

    private SqliteConnection Open()
    {
        var open = new SqliteConnection(connection);
        open.Open();
        // A crash of the process loses nothing; a power failure may lose the last moments, but does not corrupt the file.
        open.Execute("PRAGMA synchronous = NORMAL");
        return open;
    }
}
