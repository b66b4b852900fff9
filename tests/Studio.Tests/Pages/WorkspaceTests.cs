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
        using var page = new Workspace(test.Store, test.Engine, new StudioOptions { DataFolder = "", Models = [TestStudio.Model], DrawGrid = _ => [] });
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
}
