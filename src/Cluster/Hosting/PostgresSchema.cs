using System.Net.Sockets;
using Npgsql;

namespace PromptToPrompt.Cluster.Hosting;

/// <summary>The tables and queries of Orleans in a PostgreSQL database.</summary>
internal static class PostgresSchema
{
    private const string KeyMark = "--: ";
    private const string NoPassword = "No password has been provided";

    // Any number that no other program uses for its advisory locks.
    private const long Lock = 0x7032_705f_6f72;

    /// <summary>Creates all that is missing. Several coordinators may do so at the same time.</summary>
    /// <exception cref="ClusterException">The server cannot be reached or refuses.</exception>
    public static async Task Create(PostgresAddress address, CancellationToken cancellationToken)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(address.ConnectionString);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(new("SELECT pg_advisory_xact_lock($1)") { Parameters = { new() { Value = Lock } } });
            await batch.ExecuteNonQueryAsync(cancellationToken);
            await using var tables = new NpgsqlCommand(Read("tables.sql"), connection, transaction);
            await tables.ExecuteNonQueryAsync(cancellationToken);
            foreach (var (key, text) in Queries())
            {
                await using var query = new NpgsqlCommand(
                    "INSERT INTO OrleansQuery VALUES ($1, $2) ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText WHERE OrleansQuery.QueryText <> excluded.QueryText", connection, transaction)
                {
                    Parameters = { new() { Value = key }, new() { Value = text } },
                };
                await query.ExecuteNonQueryAsync(cancellationToken);
            }

            await transaction.CommitAsync(cancellationToken);
        }
        catch (Exception e) when (IsOfConnection(e))
        {
            throw Explain(address, e);
        }
    }

    /// <summary>Finds errors that waiting does not help against.</summary>
    /// <exception cref="ClusterException">The server refuses the connection.</exception>
    public static async Task Check(PostgresAddress address, CancellationToken cancellationToken)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(address.ConnectionString);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
        }
        catch (NpgsqlException e) when (e is PostgresException { IsTransient: false } || e.Message.StartsWith(NoPassword, StringComparison.Ordinal))
        {
            throw Explain(address, e);
        }
        catch (Exception e) when (IsOfConnection(e))
        {
            // The server is away: the calls of the connection wait for it.
        }
    }

    // The driver does not wrap the error of a host without an address.
    private static bool IsOfConnection(Exception problem) => problem is NpgsqlException or SocketException or TimeoutException;

    private static ClusterException Explain(PostgresAddress address, Exception problem)
    {
        var reason = (problem.InnerException ?? problem).Message.TrimEnd('.');
        if (reason.StartsWith(NoPassword, StringComparison.Ordinal))
            return new($"The PostgreSQL server at {address.Name} needs a password. Set PGPASSWORD, or add it to ~/.pgpass.", problem);
        return problem is PostgresException
            ? new($"The PostgreSQL server refuses the connection to {address.Name} ({reason}). Create the database and its user, or correct the connection string.", problem)
            : new($"The PostgreSQL server at {address.Name} cannot be reached ({reason}). Start it, or correct the connection string.", problem);
    }

    private static IEnumerable<(string Key, string Text)> Queries() =>
        from part in Read("queries.sql").Split('\n' + KeyMark).Skip(1)
        let end = part.IndexOf('\n', StringComparison.Ordinal)
        select (part[..end].Trim(), part[end..].Trim());

    private static string Read(string name)
    {
        using var reader = new StreamReader(typeof(PostgresSchema).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
