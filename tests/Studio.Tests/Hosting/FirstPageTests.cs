namespace PromptToPrompt.Studio.Tests.Hosting;

public sealed class FirstPageTests
{
    [Fact]
    public async Task AVisitorComesBackToTheProjectTheyOpenedLast()
    {
        await using var studio = await TestStudio.Start();
        var (one, other) = (await studio.NewProject(), await studio.NewProject());
        Assert.Equal($"/p/{one}", await Land(studio, $"/open/{one}"));
        Assert.Equal($"/p/{other}", await Land(studio, $"/open/{other}"));
        Assert.Equal($"/p/{other}", await Land(studio, "/"));
        Assert.Equal($"/p/{other}", await Land(studio, "/open/nowhere"));
    }

    [Fact]
    public async Task AVisitMakesNoProject()
    {
        await using var studio = await TestStudio.Start();
        Assert.Equal("/new", await Land(studio, "/"));
        Assert.Equal("/new", await Land(studio, "/new"));
        Assert.Equal("/new", await Land(studio, "/new?after=nowhere"));
        Assert.Empty(studio.Store.Projects());
    }

    private static async Task<string> Land(TestStudio studio, string address)
    {
        using var answer = await studio.Http.GetAsync(address);
        Assert.True(answer.IsSuccessStatusCode);
        return answer.RequestMessage!.RequestUri!.AbsolutePath;
    }
}
