using System.Net;
using System.Net.Sockets;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Making;

namespace PromptToPrompt.Batch.Tests.Filters;

/// <summary>Filters that cannot be asked at all end the run; the fault is no item's.</summary>
public sealed class FilterStartTests : IDisposable
{
    private readonly SmallRun small = new();

    [Theory]
    [Trait("Category", "Process")]
    [InlineData("p2p-has-no-such-command", "its command was not found (status 127)")]
    [InlineData("/dev/null", "its command cannot be executed (status 126)")]
    public void ACommandThatCannotBeStartedEndsTheRun(string command, string problem)
    {
        SmallRun.Execute(small.Request("whole"));
        // A shard is complete, and an item of the next is finished.
        var run = new BatchRun(TinyModel.Shared.Model, small.Request());
        Assert.True(run.MakeShard(0));
        Assert.StartsWith($"The filter \"{command}\" did not start: {problem}. ", ErrorOf(new CommandFilter(command)), StringComparison.Ordinal);
        Assert.True(File.Exists(small["out/00000.json"]));
        Assert.Equal(new BatchProgress(5, 5, 7, 7), SmallRun.Execute(small.Request()));
        Assert.Equal(small.Files("whole"), small.Files());
    }

    [Fact]
    public void AnAddressThatRefusesConnectionsEndsTheRun()
    {
        Assert.StartsWith("The filter http://127.0.0.1:", ErrorOf(new UrlFilter(Unused())), StringComparison.Ordinal);
        Assert.Equal(5, SmallRun.Execute(small.Request()).Items);
    }

    [Fact]
    public async Task AServerThatEndsAfterAnAnswerIsTheItemsFailure()
    {
        UrlFilter filter;
        await using (var server = await JudgeServer.Start(_ => """{"keep": true}"""))
        {
            filter = new UrlFilter(server.Address);
            SmallRun.Execute(small.Request("first") with { Filters = [filter] });
        }

        using (filter)
            Assert.Equal(5, SmallRun.Execute(small.Request() with { Filters = [filter] }).Failed);
    }

    [Theory]
    [Trait("Category", "Process")]
    [InlineData("exit 1")]
    [InlineData("exit 130")]
    public void ACommandThatStartsAndEndsIsTheItemsFailure(string command)
    {
        using var filter = new CommandFilter(command);
        Assert.Equal(5, SmallRun.Execute(small.Request() with { Filters = [filter] }).Failed);
    }

    public void Dispose() => small.Dispose();

    // Asks the filter once.
    private string ErrorOf(PairFilter filter)
    {
        using var disposed = filter;
        using var counter = new Counter();
        var error = Assert.Throws<FilterStartException>(() => SmallRun.Execute(small.Request() with { Filters = [counter, filter] }));
        Assert.Equal(1, counter.Asked);
        return error.Message;
    }

    private static Uri Unused()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://{listener.LocalEndpoint}/judge");
    }

    private sealed class Counter : PairFilter
    {
        public int Asked { get; private set; }

        public override bool Keeps(Pair pair, CancellationToken cancellationToken)
        {
            Asked++;
            return true;
        }
    }
}
