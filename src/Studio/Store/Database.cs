using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace PromptToPrompt.Studio.Store;

/// <summary>A SQLite file. Readers never wait; writes are serialized.</summary>
internal sealed class Database : IDisposable
{
    // Pages to free at once. The log grows by as much, which matters on a full disk.
    private const int PagesToFree = 512;

    private readonly string path;
    private readonly string connection;
    private readonly Lock changing = new();

    // While one connection is open, SQLite keeps the log and its index. To create them again takes space, which a full disk does not have.
    private readonly SqliteConnection keeper;

    /// <summary>Opens or creates a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="schema">Statements that create missing tables.</param>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public Database(string path, string schema)
    {
        this.path = path;
        connection = new SqliteConnectionStringBuilder { DataSource = path, ForeignKeys = true }.ToString();
        try
        {
            keeper = Open();
            // Lets space be returned page by page. A file created without it is rewritten once.
            const int Incremental = 2;
            if (keeper.Query("PRAGMA auto_vacuum", row => row.GetInt32(0))[0] != Incremental)
                keeper.Execute($"PRAGMA auto_vacuum = {Incremental}; VACUUM;");
            keeper.Execute("PRAGMA journal_mode = WAL;");
            keeper.Execute(schema);
        }
        catch (Exception e)
        {
            Dispose();
            if (DiskFullException.IsCause(e))
                throw new DiskFullException(e);
            throw;
        }
    }

    /// <summary>Executes a query.</summary>
    public IReadOnlyList<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var open = Open();
        return open.Query(sql, read, values);
    }

    /// <summary>Executes one change.</summary>
    /// <exception cref="DiskFullException">The disk is full; nothing has changed.</exception>
    public void Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        lock (changing)
        {
            try
            {
                using var open = Open();
                open.Execute(sql, values);
            }
            catch (SqliteException e) when (DiskFullException.IsCause(e))
            {
                throw new DiskFullException(e);
            }
        }
    }

    /// <summary>Executes several changes in a transaction.</summary>
    /// <exception cref="DiskFullException">The disk is full; nothing has changed.</exception>
    public T Change<T>(Func<SqliteConnection, T> work)
    {
        lock (changing)
        {
            try
            {
                using var open = Open();
                using var transaction = open.BeginTransaction();
                var result = work(open);
                transaction.Commit();
                return result;
            }
            catch (SqliteException e) when (DiskFullException.IsCause(e))
            {
                throw new DiskFullException(e);
            }
        }
    }

    /// <summary>Returns freed space to the file system.</summary>
    /// <exception cref="DiskFullException">The disk is full; some space is not returned yet.</exception>
    public void Shrink()
    {
        lock (changing)
        {
            try
            {
                using var open = Open();
                open.Query("PRAGMA wal_checkpoint(TRUNCATE)", _ => true);
                for (int free = Free(), before = int.MaxValue; free > 0 && free < before; (before, free) = (free, Free()))
                {
                    // A page is freed with each row that is read.
                    open.Query($"PRAGMA incremental_vacuum({PagesToFree})", _ => true);
                    open.Query("PRAGMA wal_checkpoint(TRUNCATE)", _ => true);
                }

                int Free() => open.Query("PRAGMA freelist_count", row => row.GetInt32(0))[0];
            }
            catch (SqliteException e) when (DiskFullException.IsCause(e))
            {
                throw new DiskFullException(e);
            }
        }
    }

    /// <summary>Whether changes reach the file at the path. They do not if the file was deleted or replaced, although SQLite keeps writing.</summary>
    public bool IsWritable()
    {
        var mark = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        try
        {
            Change(open =>
            {
                open.Execute("DELETE FROM probe");
                open.Execute("INSERT INTO probe (mark) VALUES ($mark)", ("$mark", mark));
                return true;
            });
            // A new connection, because those of the pool hold the old file.
            using var reopened = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
            reopened.Open();
            return reopened.Query("SELECT mark FROM probe", row => row.GetString(0)) is [var found] && found == mark;
        }
        catch (Exception e) when (e is SqliteException or DiskFullException)
        {
            return false;
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        keeper?.Dispose();
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
