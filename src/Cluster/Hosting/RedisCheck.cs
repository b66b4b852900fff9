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
        try
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync(options);
        }
        catch (RedisException e)
        {
            throw new ClusterException($"The Redis server at {address.Name} cannot be reached ({e.Message.Split('\n')[0].TrimEnd('.')}). Start it, or correct the address.", e);
        }
    }
}
