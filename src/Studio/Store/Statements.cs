using Microsoft.Data.Sqlite;

namespace PromptToPrompt.Studio.Store;

/// <summary>Executes statements on an open connection and its transaction, if any.</summary>
internal static class Statements
{
    /// <summary>Executes statements without results.</summary>
    public static void Execute(this SqliteConnection open, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(open, sql, values);
        command.ExecuteNonQuery();
    }

    /// <summary>The rows of a statement.</summary>
    public static IReadOnlyList<T> Query<T>(
        this SqliteConnection open, string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(open, sql, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    private static SqliteCommand Command(SqliteConnection open, string sql, ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = open.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
