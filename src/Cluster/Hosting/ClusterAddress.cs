using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using StackExchange.Redis;

namespace PromptToPrompt.Cluster.Hosting;

/// <summary>The place where coordinators and workers find each other: a PostgreSQL database, a Redis server, or one coordinator of this machine that keeps all in memory.</summary>
internal abstract partial record ClusterAddress
{
    /// <summary>The port of a coordinator for workers.</summary>
    public const int DefaultGatewayPort = 30000;

    private const int DefaultRedisPort = 6379;
    private const string Localhost = "localhost";
    private const string NoForm = "It is not a known form.";

    /// <summary>The forms of an address, for messages.</summary>
    public const string Forms = "\"Host=SERVER;Database=NAME;Username=NAME\" (PostgreSQL, password from PGPASSWORD), redis://SERVER:PORT, or localhost (one coordinator on this machine, in memory)";

    /// <summary>The server without secrets, for messages.</summary>
    public abstract string Name { get; }

    // The text of a record has all its members, passwords too.
    /// <inheritdoc/>
    public sealed override string ToString() => Name;

    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">The text has none of the forms.</exception>
    public static ClusterAddress Parse(string text)
    {
        if (text == Localhost)
            return new LocalAddress(DefaultGatewayPort);
        if (text.StartsWith(Localhost + ":", StringComparison.Ordinal))
            return new LocalAddress(Port(text[(Localhost.Length + 1)..]));
        if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "redis" or "rediss")
            return Redis(address);
        if (text.StartsWith("postgres", StringComparison.OrdinalIgnoreCase) && text.Contains("://", StringComparison.Ordinal))
            throw new FormatException("postgres:// URLs are not supported.");
        if (!text.Contains('='))
            throw new FormatException(NoForm);
        try
        {
            var postgres = new NpgsqlConnectionStringBuilder(text);
            if (string.IsNullOrEmpty(postgres.Host) || string.IsNullOrEmpty(postgres.Database))
                throw new FormatException("Host or Database is missing.");
            // A heartbeat must not wait for a server that is away for as long as the usual limit.
            if (!postgres.ContainsKey("Timeout"))
                postgres.Timeout = 5;
            return new PostgresAddress(postgres.ConnectionString, $"{postgres.Host}:{postgres.Port}, database {postgres.Database}");
        }
        catch (Exception e) when (e is ArgumentException or KeyNotFoundException)
        {
            // A keyword is no secret, but another message may repeat a value.
            throw new FormatException(UnknownKeyword().Match(e.Message) is { Success: true } known ? $"The keyword \"{known.Groups["keyword"].Value}\" is unknown, or its value is not valid." : NoForm, e);
        }
    }

    [GeneratedRegex(@"(?:Couldn't set|[Kk]eyword not supported:) '?(?<keyword>\w[\w ]*\w)")]
    private static partial Regex UnknownKeyword();

    private static RedisAddress Redis(Uri address)
    {
        var port = address.Port > 0 ? address.Port : DefaultRedisPort;
        var options = new ConfigurationOptions { EndPoints = { { address.Host, port } }, AbortOnConnectFail = false, Ssl = address.Scheme == "rediss" };
        if (address.UserInfo.Length > 0)
        {
            var parts = address.UserInfo.Split(':', 2);
            options.User = parts.Length > 1 && parts[0].Length > 0 ? Uri.UnescapeDataString(parts[0]) : null;
            options.Password = Uri.UnescapeDataString(parts[^1]);
        }

        if (address.AbsolutePath.Trim('/') is { Length: > 0 } database)
            options.DefaultDatabase = int.TryParse(database, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException("The database of Redis is a number.");
        return new RedisAddress(options, $"{address.Host}:{port}");
    }

    private static int Port(string text) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0 ? port : throw new FormatException("The port is a number from 1 to 65535.");
}

/// <summary>A PostgreSQL database.</summary>
/// <param name="ConnectionString">How to connect.</param>
/// <param name="Name">Server and database.</param>
internal sealed record PostgresAddress(string ConnectionString, string Name) : ClusterAddress
{
    /// <inheritdoc/>
    public override string Name { get; } = Name;
}

/// <summary>A Redis server.</summary>
/// <param name="Options">How to connect.</param>
/// <param name="Name">The server.</param>
internal sealed record RedisAddress(ConfigurationOptions Options, string Name) : ClusterAddress
{
    /// <inheritdoc/>
    public override string Name { get; } = Name;

    /// <summary>The options for one user of them, who may change them. A text of them cannot hold every password.</summary>
    public ConfigurationOptions NewOptions() => Options.Clone();
}

/// <summary>The one coordinator of this machine.</summary>
/// <param name="GatewayPort">Its port for workers.</param>
internal sealed record LocalAddress(int GatewayPort) : ClusterAddress
{
    /// <inheritdoc/>
    public override string Name => $"localhost:{GatewayPort}";
}
