using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Hosting;

public sealed class StudioHealthTests
{
    [Fact]
    public async Task ADataFolderThatIsGoneIsNoticed()
    {
        using var folder = new TemporaryFolder();
        var data = folder["data"];
        await using var studio = await TestStudio.Start(data);
        await studio.NewProject();
        Assert.Equal(HttpStatusCode.OK, (await studio.Http.GetAsync("/health")).StatusCode);
        Directory.Delete(data, recursive: true);
        await IsNoticed(studio);
        // An empty folder in its place is not the data.
        Directory.CreateDirectory(data);
        await IsNoticed(studio);
        Assert.Empty(Directory.GetFileSystemEntries(data));
    }

    [Fact]
    public async Task DataThatWereReplacedAreNoticed()
    {
        using var folder = new TemporaryFolder();
        var data = folder["data"];
        await using (await TestStudio.Start(folder["other"]))
        {
        }

        await using var studio = await TestStudio.Start(data);
        Directory.Move(data, folder["moved"]);
        Directory.Move(folder["other"], data);
        await IsNoticed(studio);
    }

    [Fact]
    public async Task WithoutTheTokenItTellsOnlyTheStatus()
    {
        await using var studio = await TestStudio.Start(change: options => options with { Token = "secret" });
        var anonymous = await TestStudio.Json(await studio.Http.GetAsync("/health"));
        Assert.Equal(["status"], anonymous.AsObject().Select(field => field.Key));
        studio.Http.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        var known = await TestStudio.Json(await studio.Http.GetAsync("/health"));
        Assert.Equal("Healthy", (string?)known["status"]);
        Assert.True((bool)known["storeWritable"]!);
    }

    [Fact]
    public async Task WithoutTheTokenTheStoreIsCheckedOnceInAWhile()
    {
        using var folder = new TemporaryFolder();
        var clock = new TestClock();
        using var store = new StudioStore(folder["data"], clock);
        await using var engine = new StudioEngine(store, [TestStudio.Model], new EngineLimits(), clock);
        var request = new DefaultHttpContext();
        var health = new StudioHealth(engine, store, clock, new HttpContextAccessor { HttpContext = request });
        var gate = new Gatekeeper(_ => Task.CompletedTask, new StudioOptions { DataFolder = "", Models = [], DrawGrid = _ => [], DrawTable = _ => [], Token = "secret" });
        (request.Request.Path, request.Request.Host) = ("/health", new HostString("localhost"));
        await gate.InvokeAsync(request);
        Assert.Equal(HealthStatus.Healthy, await Status());
        Directory.Delete(folder["data"], recursive: true);
        Assert.Equal(HealthStatus.Healthy, await Status());
        clock.Later += StudioHealth.Pause;
        Assert.Equal(HealthStatus.Unhealthy, await Status());

        async Task<HealthStatus> Status() => (await health.CheckHealthAsync(new HealthCheckContext())).Status;
    }

    private static async Task IsNoticed(TestStudio studio)
    {
        using var answer = await studio.Http.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.False((bool)(await TestStudio.Json(answer))["storeWritable"]!);
    }
}
