using PromptToPrompt.Cluster.Hosting;

namespace PromptToPrompt.Cluster.Tests.Hosting;

public sealed class ClusterAddressTests
{
    [Theory]
    [InlineData("localhost", "localhost:30000")]
    [InlineData("localhost:4000", "localhost:4000")]
    [InlineData("redis://10.0.0.1", "10.0.0.1:6379")]
    [InlineData("redis://user:p%40ss@10.0.0.1:7000/2", "10.0.0.1:7000")]
    [InlineData("Host=db;Database=p2p;Username=me;Password=secret", "db:5432, database p2p")]
    public void EachFormIsReadAndItsNameHasNoSecret(string text, string name) => Assert.Equal(name, ClusterAddress.Parse(text).Name);

    [Theory]
    [InlineData("")]
    [InlineData("localhost:0")]
    [InlineData("localhost:x")]
    [InlineData("10.0.0.1")]
    [InlineData("http://10.0.0.1")]
    [InlineData("redis://10.0.0.1/x")]
    [InlineData("Host=db")]
    [InlineData("Nonsense=db;Database=p2p")]
    public void AnythingElseIsAnError(string text) => Assert.Throws<FormatException>(() => ClusterAddress.Parse(text));

    [Fact]
    public void RedisGetsUserPasswordAndDatabase()
    {
        var redis = Assert.IsType<RedisAddress>(ClusterAddress.Parse("redis://user:p%40ss@10.0.0.1:7000/2"));
        Assert.Contains("10.0.0.1:7000", redis.Configuration, StringComparison.Ordinal);
        Assert.Contains("user=user", redis.Configuration, StringComparison.Ordinal);
        Assert.Contains("password=p@ss", redis.Configuration, StringComparison.Ordinal);
        Assert.Contains("defaultDatabase=2", redis.Configuration, StringComparison.Ordinal);
    }
}
