using System.Net;

namespace PromptToPrompt.Studio.Tests.Hosting;

/// <summary>Unknown addresses: browsers get a page, programs problem details.</summary>
public sealed class MissingPagesTests(SharedStudio shared)
{
    private const string OfBrowser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    [Theory]
    [InlineData("/nowhere", "There is no such page.")]
    [InlineData("/new/nowhere", "There is no such page.")]
    [InlineData("/assets/nowhere.css", "There is no such page.")]
    [InlineData("/runs", "There is no such page.")]
    [InlineData("/p/nowhere", "There is no such project.")]
    [InlineData("/p/nowhere/3", "There is no such project.")]
    public async Task ABrowserGetsAPageWithALinkHome(string address, string title)
    {
        using var answer = await Ask(address, OfBrowser);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType!.MediaType);
        RequireNotKept(answer);
        var page = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains(title, page, StringComparison.Ordinal);
        Assert.Contains("<a href=\"/\">", page, StringComparison.Ordinal);
        Assert.Contains("studio.css", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nowhere", "*/*")]
    [InlineData("/nowhere", "application/json")]
    [InlineData("/nowhere", null)]
    [InlineData("/p/nowhere", "*/*")]
    [InlineData("/api/nowhere", OfBrowser)]
    [InlineData("/api/versions/nowhere", OfBrowser)]
    public async Task AProgramGetsProblemDetails(string address, string? accept)
    {
        using var answer = await Ask(address, accept);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        if (!address.StartsWith("/api/versions", StringComparison.Ordinal))
            RequireNotKept(answer);
    }

    [Fact]
    public async Task ARequestThatIsNoVisitGetsNoPage()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/nowhere");
        request.Headers.TryAddWithoutValidation("Accept", OfBrowser);
        using var answer = await shared.Studio.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.False(answer.IsSuccessStatusCode);
        Assert.NotEqual("text/html", answer.Content.Headers.ContentType?.MediaType);
    }

    // A cache must not give a browser's page to a program, or either once the address exists.
    private static void RequireNotKept(HttpResponseMessage answer)
    {
        Assert.Equal(["Accept"], answer.Headers.Vary);
        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
    }

    private async Task<HttpResponseMessage> Ask(string address, string? accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        return await shared.Studio.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
