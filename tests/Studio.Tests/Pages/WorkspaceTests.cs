using PromptToPrompt.Studio.Engine;
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
        using var page = test.OpenPage();
        page.Settings = page.Settings with { Scheduler = "magic" };
        page.Draw("a house");
        Assert.StartsWith("Scheduler: \"magic\" is unknown.", page.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APageSaysHowTheShownPictureWasMadeAndKeepsTheNextSettingsApart()
    {
        var house = await test.Make(TestEngine.House);
        var red = await test.Make(new EditedRecipe { Source = house.Id, Prompt = "a red house in a field" });
        var blue = await test.Make(new EditedRecipe { Source = red.Id, Prompt = "a blue house in a field" });
        using var page = test.OpenPage();
        var made = $"seed 4, {TestStudio.Steps} steps, guidance 5, ddim, storybook";
        page.Settings = page.Settings with { Seed = 77, Steps = 3 };
        Assert.Equal($"Picture 3: {made}", page.ShownSettings);
        // Edits of edits have the settings of the picture at their beginning.
        page.Show(red);
        page.Settings = page.Settings with { Seed = 77, Steps = 3 };
        page.Show(blue);
        Assert.Equal((4ul, TestStudio.Steps), (page.Settings.Seed, page.Settings.Steps));
        page.Show(house);
        Assert.Equal($"Picture 1: {made}", page.ShownSettings);
        using var empty = test.NewPage();
        Assert.Null(empty.ShownSettings);
    }

    [Fact]
    public void SettingsAreDescribedInAFewWords()
    {
        Assert.Equal(
            "seed 4, 1 step, guidance 7.5, euler, 512x768, style, LoRAs hat:0.5, clip skip 1, guidance rescale 0.7, long prompts, negative prompt “fog”",
            PictureSettings.Describe(new DrawnRecipe { Prompt = "a house", Model = "models/style", Seed = 4, Steps = 1, Scheduler = "euler", Size = "512x768", Loras = "hat:0.5", ClipSkip = 1, GuidanceRescale = 0.7, LongPrompts = true, Negative = "fog" }));
        Assert.Equal("inverted with null-text, 20 steps, guidance 5, style", PictureSettings.Describe(new InvertedRecipe { Prompt = "a house", Picture = "p", Model = "style", Steps = 20, Guidance = 5 }));
        Assert.Equal("seed 4, 20 steps, guidance 5, strength 0.6, style", PictureSettings.Describe(new InpaintedRecipe { Prompt = "a house", Picture = "p", Mask = "m", Model = "style", Seed = 4, Steps = 20, Guidance = 5, Strength = 0.6 }));
    }

    [Fact]
    public async Task AProjectThatAnotherPageDeletedIsNamed()
    {
        await test.Make(TestEngine.House);
        using var page = test.OpenPage();
        test.Engine.DeleteProject(test.Project);
        await page.Until(() => page.IsDeleted);
        page.Rename("Another name");
        page.Draw("a house");
        Assert.Equal("The project “A test” was deleted.", page.Problem);
        Assert.NotNull(page.Project);
    }

    [Fact]
    public async Task APageFollowsWhatAnotherOneDoes()
    {
        var first = await test.Make(TestEngine.House);
        using Workspace one = test.OpenPage(), other = test.OpenPage();
        one.Apply(one.Draft.Swap(1, "red"));
        await one.Until(() => one.Edit is not null);
        await other.Until(() => other.Versions.Count == 2);
        // What the other page shows stays.
        Assert.Equal(first.Id, other.Shown?.Id);
        other.Rename("Houses");
        await one.Until(() => one.Project!.Name == "Houses");
        other.Delete(one.Edit!);
        await one.Until(() => one.Versions.Count == 1);
        Assert.Equal(first.Id, one.Shown?.Id);
    }

    [Fact]
    public async Task AnEmptyPageShowsThePictureThatAnotherOneMakes()
    {
        using Workspace one = test.OpenPage(), other = test.OpenPage();
        one.Draw("a house in a field");
        await other.Until(() => other.Shown is not null);
        Assert.Equal("a house in a field", other.Shown!.Recipe.Prompt);
    }

    [Fact]
    public async Task TheFirstPictureBeginsAProjectAndItsPromptNamesIt()
    {
        using var page = test.NewPage();
        page.OpenNew(after: null);
        page.Settings = page.Settings with { Steps = TestStudio.Steps };
        Assert.Null(page.Project);
        page.Draw("a  red house\nin a field");
        Assert.Equal("a red house in a field", page.Project?.Name);
        var over = await page.Job!.WhenOver();
        Assert.Equal(page.Project!.Id, test.Store.Version(over.Version!).Project);
    }

    [Fact]
    public void APictureThatIsRefusedBeginsNoProject()
    {
        using var page = test.NewPage();
        page.OpenNew(after: null);
        page.Settings = page.Settings with { Steps = 0 };
        page.Draw("a house");
        Assert.Contains("out of range", page.Problem, StringComparison.Ordinal);
        Assert.Null(page.Project);
        Assert.Single(test.Store.Projects());
    }

    [Fact]
    public async Task ANewProjectTakesOverTheSettingsOfTheLastOneButNotTheSeed()
    {
        await test.Make(TestEngine.House with { Seed = 77, Negative = "people", ClipSkip = 1 });
        using var page = test.NewPage();
        page.OpenNew(test.Project);
        Assert.Equal(("people", 1, TestStudio.Steps), (page.Settings.Negative, page.Settings.ClipSkip, page.Settings.Steps));
        Assert.NotEqual(77ul, page.Settings.Seed);
    }

    [Fact]
    public async Task APictureThatWasThereBeforeAnybodyCouldWatchIsShown()
    {
        using var page = test.OpenPage();
        var made = await test.Make(TestEngine.House);
        page.Resume();
        Assert.Equal(made.Id, page.Shown?.Id);
    }

    [Fact]
    public async Task APictureHasANameAndCanBeAFavorite()
    {
        var source = await test.Make(TestEngine.House);
        using var page = test.OpenPage();
        page.Name(page.Shown!, " The first ");
        page.Favor(page.Shown!);
        Assert.Equal(("The first", true), (page.Shown!.Name, page.Shown.IsFavorite));
        Assert.Equal("The first", test.Store.Version(source.Id).Name);
        page.Name(page.Shown, "");
        Assert.Equal((null, true), (page.Shown.Name, page.Shown.IsFavorite));
    }

    [Fact]
    public async Task ACancelledPictureCanBeTriedAgain()
    {
        await test.Make(TestEngine.House);
        using var page = test.OpenPage();
        page.Apply(page.Draft.Swap(1, "red"));
        page.Cancel();
        await page.Idle();
        if (page.Versions.Count == 1)
        {
            Assert.True(page.IsUnfinished);
            page.TryAgain();
            await page.Idle();
        }

        Assert.Equal("a red house in a field", page.Shown?.Recipe.Prompt);
        Assert.False(page.IsUnfinished);
    }

    [Fact]
    public async Task LongPromptsAreReadOnceThatIsAsked()
    {
        var words = string.Join(' ', Enumerable.Repeat("red", 80));
        await test.Make(TestEngine.House with { Prompt = $"a house {words}" });
        using var page = test.OpenPage();
        Assert.Equal(7, page.Cut.Count);
        Assert.Equal(7, page.CutOf($"a house {words}").Count);
        page.Apply(page.Draft.Swap(1, "castle"));
        await page.Idle();
        page.ReadLongPrompts();
        await page.Until(() => page is { Source.Recipe: DrawnRecipe { LongPrompts: true }, Edit: not null });
        Assert.Empty(page.Cut);
        Assert.StartsWith("a castle red", page.Shown?.Recipe.Prompt, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsDrawnAnewAndFilledIsReadAsThePictureBefore()
    {
        var house = await test.Make(TestEngine.House with { LongPrompts = true, ClipSkip = 1 });
        using var page = test.OpenPage();
        page.Draw("a red house in a field");
        Assert.Equal(TestEngine.House with { Prompt = "a red house in a field", Model = "storybook", LongPrompts = true, ClipSkip = 1 }, page.Job!.Recipe);
        page.Fill(house.Picture, null, "a blue house in a field");
        Assert.Equal((true, 1), page.Job!.Recipe is InpaintedRecipe filled ? (filled.LongPrompts, filled.ClipSkip) : default);
    }

    [Fact]
    public async Task AStudioThatClosesSaysSo()
    {
        var engine = new StudioEngine(test.Store, [TestStudio.Model], new EngineLimits(), TimeProvider.System);
        using var page = test.OpenPage(engine);
        await engine.DisposeAsync();
        page.Draw("a house");
        Assert.Contains("closing", page.Problem, StringComparison.Ordinal);
    }
}
