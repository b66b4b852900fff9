using System.Net;
using System.Net.Http.Headers;

namespace PromptToPrompt.Studio.Tests.Hosting;

[Trait("Category", "Slow")]
public sealed class GatekeeperTests(SharedStudio shared)
{
    private const string Token = "secret";

    [Theory]
    [InlineData("/", "cross-site")]
    [InlineData("/", "same-site")]
    [InlineData("/new", "cross-site")]
    [InlineData("/new", "same-site")]
    [InlineData("/New/", "cross-site")]
    public async Task ALinkOfAnotherSiteDoesNotOpenTheEntrance(string address, string site)
    {
        Assert.Equal(HttpStatusCode.Forbidden, await Ask(shared.Studio, address, site, "document"));
    }

    [Theory]
    [InlineData("/", "same-origin")]
    [InlineData("/", "none")]
    [InlineData("/", null)]
    [InlineData("/new", "same-origin")]
    [InlineData("/new", "none")]
    [InlineData("/new", null)]
    public async Task ATypedAddressAndTheStudioItselfOpenTheEntrance(string address, string? site)
    {
        Assert.Equal(HttpStatusCode.OK, await Ask(shared.Studio, address, site, "document"));
    }

    [Theory]
    [InlineData("image")]
    [InlineData("iframe")]
    public async Task APageOfAnotherSiteContainsNothingOfTheStudio(string destination)
    {
        Assert.Equal(HttpStatusCode.Forbidden, await Ask(shared.Studio, "/api/projects", "cross-site", destination));
    }

    [Fact]
    public async Task ALinkOfAnotherSiteOpensAProject()
    {
        Assert.Equal(HttpStatusCode.OK, await Ask(shared.Studio, $"/open/{await shared.Studio.NewProject()}", "cross-site", "document"));
    }

    [Fact]
    public async Task WithATokenNobodyGetsInWithoutIt()
    {
        await using var studio = await Locked();
        Assert.Equal(HttpStatusCode.Unauthorized, (await studio.Http.GetAsync("/api/projects")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await studio.Http.GetAsync("/api/projects?token=guess")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await studio.Http.GetAsync("/health")).StatusCode);
        // The redirect is answered by the cookie that the first visit sets.
        Assert.Equal(HttpStatusCode.OK, (await studio.Http.GetAsync($"/api/projects?token={Token}")).StatusCode);
        using var program = new HttpClient { BaseAddress = studio.Address };
        program.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        Assert.Equal(HttpStatusCode.OK, (await program.GetAsync("/api/projects")).StatusCode);
    }

    [Theory]
    [InlineData("/api/projects?TOKEN=secret", "/api/projects")]
    [InlineData("/api/projects?Token=secret&a=1", "/api/projects?a=1")]
    [InlineData("//evil.example/?token=secret", "/evil.example/")]
    [InlineData("///evil.example?token=secret", "/evil.example")]
    [InlineData("/%5Cevil.example/?token=secret", "/evil.example/")]
    public async Task TheTokenLeavesTheAddressAndTheStudioIsNotLeft(string asked, string next)
    {
        await using var studio = await Locked();
        using var visitor = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = studio.Address };
        using var answer = await visitor.GetAsync(new Uri($"{studio.Address.GetLeftPart(UriPartial.Authority)}{asked}"));
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal(next, answer.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task TwoStudiosOfOneHostKeepTheirCookiesApart()
    {
        await using var one = await Locked();
        await using var other = await TestStudio.Start(change: options => options with { Token = "another secret" });
        using var visitor = new HttpClient();
        var (first, second) = (one.Store.CreateProject("First"), other.Store.CreateProject("Second"));
        await visitor.GetAsync(new Uri(one.Address, $"/open/{first.Id}?token={Token}"));
        await visitor.GetAsync(new Uri(other.Address, $"/open/{second.Id}?token=another%20secret"));
        Assert.Equal($"/p/{first.Id}", await Land(one.Address));
        Assert.Equal($"/p/{second.Id}", await Land(other.Address));

        async Task<string> Land(Uri address)
        {
            using var answer = await visitor.GetAsync(address);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return answer.RequestMessage!.RequestUri!.AbsolutePath;
        }
    }

    [Fact]
    public async Task OtherNamesOfTheHostAreRefused()
    {
        Assert.Equal(HttpStatusCode.Forbidden, await AskOf(shared.Studio, "evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskOf(shared.Studio, "localhost.evil.example"));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LocalHost")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    public async Task ItsOwnNamesAreAcceptedInAnyCase(string host)
    {
        Assert.Equal(HttpStatusCode.OK, await AskOf(shared.Studio, $"{host}:{shared.Studio.Address.Port}", $"http://{host.ToUpperInvariant()}:{shared.Studio.Address.Port}"));
        Assert.Equal(HttpStatusCode.Forbidden, await AskOf(shared.Studio, $"{host}:{shared.Studio.Address.Port}", "https://evil.example"));
    }

    private static Task<TestStudio> Locked() => TestStudio.Start(change: options => options with { Token = Token });

    // Asks as a browser does that a page made ask.
    private static async Task<HttpStatusCode> Ask(TestStudio studio, string address, string? site, string destination)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (site is not null)
        {
            request.Headers.Add("Sec-Fetch-Site", site);
            request.Headers.Add("Sec-Fetch-Dest", destination);
        }

        using var answer = await studio.Http.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<HttpStatusCode> AskOf(TestStudio studio, string host, string? origin = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/projects") { Headers = { Host = host } };
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        using var answer = await studio.Http.SendAsync(request);
        return answer.StatusCode;
    }
}
