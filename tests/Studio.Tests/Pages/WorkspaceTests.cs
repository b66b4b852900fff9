using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class WorkspaceTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task What_another_visitor_deleted_is_said_in_a_sentence()
    {
        var source = await test.Make(TestEngine.House);
        var edit = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        test.Engine.DeleteVersion(source.Id);
        page.Show(edit);
        page.Apply(page.Draft with { CrossSteps = "0.5" });
        Assert.Contains("no version", page.Problem, StringComparison.Ordinal);
        test.Engine.DeleteProject(test.Project);
        page.Rename("Another name");
        page.Draw("a house");
        Assert.Contains("no project", page.Problem, StringComparison.Ordinal);
        Assert.NotNull(page.Project);
    }

    [Fact]
    public async Task A_picture_that_was_there_before_anybody_could_watch_is_shown()
    {
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        var made = await test.Make(TestEngine.House);
        page.Resume();
        Assert.Equal(made.Id, page.Shown?.Id);
    }

    [Fact]
    public async Task What_is_shown_after_deleting_is_what_is_left()
    {
        var source = await test.Make(TestEngine.House);
        var edit = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        Assert.Equal(edit.Id, page.Shown?.Id);
        Assert.Equal(1, page.CountMadeFrom(source));
        page.Delete(edit);
        Assert.Equal(source.Id, page.Shown?.Id);
        Assert.True(page.Draft.IsUnchanged);
        page.Delete(source);
        Assert.Null(page.Shown);
        Assert.Empty(page.Draft.Words);
    }

    private Workspace NewPage() => new(test.Store, test.Engine, new StudioOptions { DataFolder = "", Models = [TestStudio.Model], DrawGrid = _ => [] });
}
