using System.Net;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Studio.Tests.Hosting;

public sealed class StudioAddressTests
{
    [Theory]
    [InlineData("127.0.0.1", null, "http://127.0.0.1:5272/")]
    [InlineData("127.0.0.1", "secret", "http://127.0.0.1:5272/?token=secret")]
    [InlineData("10.1.2.3", "a b&c", "http://10.1.2.3:5272/?token=a%20b%26c")]
    [InlineData("::1", null, "http://[::1]:5272/")]
    [InlineData("fd00::7", "secret", "http://[fd00::7]:5272/?token=secret")]
    public void AnAddressIsWrittenAsABrowserReadsIt(string address, string? token, string expected) =>
        Assert.Equal(expected, StudioAddress.Of(Options(IPAddress.Parse(address), token), 5272).AbsoluteUri);

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    public async Task AStudioAtAllAddressesNamesOneThatCanBeOpened(string listening)
    {
        var address = IPAddress.Parse(listening);
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6 || address.Equals(IPAddress.Any), "This machine has no IPv6.");
        await using var studio = await TestStudio.Start(change: options => options with { Address = address, Token = "secret" });
        var opened = StudioAddress.Of(Options(address, "secret"), studio.Address.Port);
        Assert.False(IPAddress.TryParse(opened.DnsSafeHost, out var named) && (named.Equals(IPAddress.Any) || named.Equals(IPAddress.IPv6Any)));
        using var visitor = new HttpClient();
        using var answer = await visitor.GetAsync(new Uri(opened, $"/api/projects{opened.Query}"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static StudioOptions Options(IPAddress address, string? token) => new() { DataFolder = "", Address = address, Token = token, Models = [TestStudio.Model], DrawGrid = _ => [], DrawTable = _ => [] };
}
