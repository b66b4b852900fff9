using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class WorkspaceTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public void AnErrorNamesTheLabelOfTheField()
    {
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        page.Settings = page.Settings with { Scheduler = "magic" };
        page.Draw("a house");
        Assert.StartsWith("Scheduler: \"magic\" is unknown.", page.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatAnotherVisitorDeletedIsSaidInASentence()
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
    public async Task APictureThatWasThereBeforeAnybodyCouldWatchIsShown()
    {
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        var made = await test.Make(TestEngine.House);
        page.Resume();
        Assert.Equal(made.Id, page.Shown?.Id);
    }

    [Fact]
    public async Task WhatIsShownAfterDeletingIsWhatIsLeft()
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

    [Fact]
    public async Task WhatIsDrawnAnewAndFilledIsReadAsThePictureBefore()
    {
        var house = await test.Make(TestEngine.House with { LongPrompts = true, ClipSkip = 1 });
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        page.Draw("a red house in a field");
        Assert.Equal(TestEngine.House with { Prompt = "a red house in a field", Model = "storybook", LongPrompts = true, ClipSkip = 1 }, page.Job!.Recipe);
        page.Fill(house.Picture, "a blue house in a field");
        Assert.Equal((true, 1), page.Job!.Recipe is InpaintedRecipe filled ? (filled.LongPrompts, filled.ClipSkip) : default);
    }

    [Fact]
    public async Task AStudioThatClosesSaysSo()
    {
        var engine = new StudioEngine(test.Store, [TestStudio.Model], new EngineLimits(), TimeProvider.System);
        using var page = NewPage(engine);
        Assert.True(page.Open(test.Project));
        await engine.DisposeAsync();
        page.Draw("a house");
        Assert.Contains("closing", page.Problem, StringComparison.Ordinal);
    }

    private Workspace NewPage(StudioEngine? engine = null) => new(test.Store, engine ?? test.Engine, new StudioOptions { DataFolder = "", Models = [TestStudio.Model], DrawGrid = _ => [] });
}
