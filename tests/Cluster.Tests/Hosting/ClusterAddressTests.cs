using PromptToPrompt.Cluster.Contracts;
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

    [Theory]
    [InlineData("Host=db;Database=p2p;Prt=5", "The keyword \"prt\" is unknown, or its value is not valid.")]
    [InlineData("Host=db;Database=p2p;Port=secret", "The keyword \"port\" is unknown, or its value is not valid.")]
    [InlineData("Host=db", "Host or Database is missing.")]
    [InlineData("postgres://me:secret@db/p2p", "postgres:// URLs are not supported.")]
    [InlineData("nonsense", "It is not a known form.")]
    public void TheErrorNamesWhatIsWrongButNoSecret(string text, string error) => Assert.Equal(error, Assert.Throws<FormatException>(() => ClusterAddress.Parse(text)).Message);

    [Theory]
    [InlineData("Unable to connect to S127.0.0.1:30001:0, will retry after 999.7685ms", "127.0.0.1:30001 does not answer")]
    [InlineData("42P01: relation \"orleansquery\" does not exist", "no coordinator has used this database yet")]
    [InlineData("Connection refused.\nmore", "Connection refused")]
    public void ACauseHasNoWordsOfLibraries(string text, string expected) => Assert.Equal(expected, ClusterLink.Describe(new InvalidOperationException("outer", new IOException(text))));

    [Fact]
    public async Task ARedisServerThatIsAwayIsOneClearError()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => RedisCheck.RequireReachable(new RedisAddress(((RedisAddress)ClusterAddress.Parse("redis://127.0.0.1:1")).Options, "127.0.0.1:1")));
        Assert.Equal("The Redis server at 127.0.0.1:1 cannot be reached (it does not answer). Start it, or correct the address.", error.Message);
    }

    [Fact]
    public async Task WhoWaitsForACoordinatorIsTold()
    {
        var lines = new List<string>();
        await using var link = await ClusterLink.Open(ClusterAddress.Parse("localhost:1"), lines.Add);
        await Assert.ThrowsAsync<ClusterException>(() => link.CallWithin(grains => grains.GetGrain<ICatalog>(0).All(), TimeSpan.FromSeconds(6), TestContext.Current.CancellationToken));
        Assert.StartsWith("Waiting for a coordinator at localhost:1", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Fact]
    public void RedisGetsUserPasswordAndDatabase()
    {
        var redis = Assert.IsType<RedisAddress>(ClusterAddress.Parse("redis://user:p%40s%2Cs,ssl=true@10.0.0.1:7000/2"));
        var options = redis.NewOptions();
        Assert.Equal("10.0.0.1:7000", Assert.Single(options.EndPoints).ToString()!.Split('/')[^1]);
        Assert.Equal(("user", "p@s,s,ssl=true", 2, false), (options.User, options.Password, options.DefaultDatabase, options.Ssl));
        Assert.NotSame(options, redis.NewOptions());
    }

    [Theory]
    [InlineData("redis://user:secret@10.0.0.1")]
    [InlineData("Host=db;Database=p2p;Username=me;Password=secret")]
    public void NoTextOfAnAddressHasThePassword(string text)
    {
        var address = ClusterAddress.Parse(text);
        Assert.Equal(address.Name, address.ToString());
        Assert.DoesNotContain("secret", address.Name, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHostWithoutAnAddressIsOneClearErrorOfTheCoordinatorAndTheWorkerWaits()
    {
        var address = (PostgresAddress)ClusterAddress.Parse("Host=no-such-host.invalid;Database=p2p");
        var error = await Assert.ThrowsAsync<ClusterException>(() => PostgresSchema.Create(address, CancellationToken.None));
        Assert.StartsWith("The PostgreSQL server at no-such-host.invalid:5432, database p2p cannot be reached", error.Message, StringComparison.Ordinal);
        await PostgresSchema.Check(address, CancellationToken.None);
    }
}
