using System.Net.Sockets;
using StackExchange.Redis;

namespace PromptToPrompt.Cluster.Hosting;

/// <summary>Finds out early that a Redis server is away.</summary>
internal static class RedisCheck
{
    /// <summary>Connects once.</summary>
    /// <exception cref="ClusterException">The server cannot be reached or refuses.</exception>
    public static async Task RequireReachable(RedisAddress address)
    {
        var options = address.NewOptions();
        options.AbortOnConnectFail = true;
        options.ConnectRetry = 1;
        try
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync(options);
        }
        catch (RedisException e)
        {
            // The library's own text advises programmers.
            var reason = e.GetBaseException() is SocketException refused ? refused.Message : e is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } ? "it refuses the user or the password" : "it does not answer";
            throw new ClusterException($"The Redis server at {address.Name} cannot be reached ({reason.TrimEnd('.')}). Start it, or correct the address.", e);
        }
    }
}
