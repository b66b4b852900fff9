namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class WorkspaceTests
{
    [Fact]
    public async Task A_picture_that_was_there_before_anybody_could_watch_is_shown()
    {
        await using var studio = await TestStudio.Start();
        var project = await studio.NewProject();
        using var workspace = studio.NewWorkspace();
        Assert.True(workspace.Open(project));
        await studio.Make(project, "generate", new { prompt = "a white house", steps = 2 });
        workspace.Resume();
        Assert.Equal("a white house", workspace.Shown?.Recipe.Prompt);
    }
}
