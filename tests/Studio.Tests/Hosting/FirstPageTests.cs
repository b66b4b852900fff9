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

    private static async Task<string> Land(TestStudio studio, string address)
    {
        using var answer = await studio.Http.GetAsync(address);
        Assert.True(answer.IsSuccessStatusCode);
        return answer.RequestMessage!.RequestUri!.AbsolutePath;
    }
}
