using System.Text;
using Microsoft.AspNetCore.Http;
using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Diffusion.Tests.Storage.Hub;

/// <summary>The protocol: tokens, refusals, waiting, redirects, and answers that are none.</summary>
public sealed class HubClientTests : PullingTests
{
    [Fact]
    public async Task TheTokenGoesToTheHubAlone()
    {
        environment["HF_TOKEN"] = "hf_secret\n";
        await PullAsync();
        Assert.All(hub.Requests, seen => Assert.Equal(seen.ToContentHost ? null : "Bearer hf_secret", seen.Authorization));
        Assert.Contains(hub.Requests, seen => seen.ToContentHost);
        environment.Remove("HF_TOKEN");
        Directory.Delete(Cache, recursive: true);
        hub.Requests.Clear();
        Write(Path.Combine(folder["hf"], "token"), Encoding.ASCII.GetBytes("hf_file"));
        await PullAsync();
        Assert.All(hub.Requests, seen => Assert.Equal(seen.ToContentHost ? null : "Bearer hf_file", seen.Authorization));
        environment["HF_TOKEN"] = "two words";
        Assert.Contains("HF_TOKEN does not contain a valid token", await FailureAsync());
    }

    [Theory]
    [InlineData(401, "RepoNotFound", "set HF_TOKEN")]
    [InlineData(401, "GatedRepo", "Accept its terms")]
    [InlineData(403, "GatedRepo", "Accept its terms")]
    [InlineData(403, null, "private or gated")]
    [InlineData(404, "RepoNotFound", "has no model owner/model")]
    [InlineData(404, "RevisionNotFound", "no revision \"main\"")]
    [InlineData(418, null, "returned status 418")]
    public async Task RefusalsSayWhatToDo(int status, string? code, string message)
    {
        hub.Fault = context =>
        {
            HubServer.Refuse(context, status, code);
            return Task.FromResult(true);
        };
        Assert.Contains(message, await FailureAsync());
        Assert.Single(hub.Requests);
    }

    [Fact]
    public async Task ARefusedTokenIsNamedNotShown()
    {
        environment["HF_TOKEN"] = "hf_secret";
        hub.Fault = context =>
        {
            HubServer.Refuse(context, 401);
            return Task.FromResult(true);
        };
        var message = await FailureAsync();
        Assert.Contains("the token of HF_TOKEN", message);
        Assert.DoesNotContain("hf_secret", message);
    }

    [Fact]
    public async Task TooManyRequestsAreWaitedFor()
    {
        var refusals = 0;
        var notes = new List<string>();
        hub.Fault = context =>
        {
            if (refusals++ > 0)
                return Task.FromResult(false);
            HubServer.Refuse(context, 429);
            context.Response.Headers.RetryAfter = "17";
            return Task.FromResult(true);
        };
        await PullAsync(progress: new Notes(notes));
        Assert.Equal([TimeSpan.FromSeconds(17)], waits);
        Assert.Contains("too many requests (429); waiting 17 s", notes);
    }

    [Theory]
    [InlineData(429, "86400", "86400 s", 1)]
    [InlineData(429, "3", "too many requests", 5)]
    [InlineData(503, null, "server error (503)", 5)]
    public async Task WaitingHasAnEnd(int status, string? after, string message, int requests)
    {
        hub.Fault = context =>
        {
            HubServer.Refuse(context, status);
            context.Response.Headers.RetryAfter = after;
            return Task.FromResult(true);
        };
        Assert.Contains(message, await FailureAsync());
        Assert.Equal(requests, hub.Requests.Count);
    }

    [Fact]
    public async Task AnEndlessListIsCutOff()
    {
        hub.Fault = async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(content);
            return true;
        };
        Assert.Contains("endless response", await FailureAsync());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("<html>")]
    [InlineData("{\"sha\": \"main\", \"siblings\": []}")]
    [InlineData("{\"sha\": 1, \"siblings\": []}")]
    [InlineData("{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": [null]}")]
    [InlineData("{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": [{\"rfilename\": \"\\ud800\"}]}")]
    [InlineData("{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": [{\"rfilename\": [[[]]]}]}")]
    public async Task OtherAnswersThanAHubsAreRefused(string answer)
    {
        hub.Fault = async context =>
        {
            await context.Response.WriteAsync(answer);
            return true;
        };
        Assert.Contains("did not return a valid response", await FailureAsync());
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/owner/model/loop")]
    [InlineData("//[")]
    public async Task RedirectsAreFollowedWithCare(string location)
    {
        hub.Fault = context =>
        {
            context.Response.Redirect(location);
            return Task.FromResult(true);
        };
        Assert.Contains("redirects", await FailureAsync());
    }

    [Fact]
    public async Task ARenamedRepositoryIsFollowed()
    {
        hub.Fault = context =>
        {
            var path = context.Request.Path.Value!;
            if (path.Contains("owner/old", StringComparison.Ordinal))
                context.Response.Redirect(path.Replace("owner/old", "owner/model", StringComparison.Ordinal), permanent: true, preserveMethod: true);
            return Task.FromResult(path.Contains("owner/old", StringComparison.Ordinal));
        };
        var pulled = await PullAsync(new PullRequest(HubRepository.Parse("owner/old")));
        Assert.Equal(content, File.ReadAllBytes(Path.Combine(pulled.Path, Weights)));
    }

    [Fact]
    public async Task OfflineMeansOffline()
    {
        environment["HF_HUB_OFFLINE"] = "1";
        Assert.Contains("HF_HUB_OFFLINE", await FailureAsync());
        environment.Remove("HF_HUB_OFFLINE");
        environment["HF_ENDPOINT"] = "hub";
        Assert.Contains("HF_ENDPOINT is \"hub\"", await FailureAsync());
        Assert.Empty(hub.Requests);
    }
}
