using System.Net;

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

    private static async Task IsNoticed(TestStudio studio)
    {
        using var answer = await studio.Http.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.False((bool)(await TestStudio.Json(answer))["storeWritable"]!);
    }
}
