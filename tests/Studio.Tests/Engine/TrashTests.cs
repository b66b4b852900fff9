using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class TrashTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task AVersionInTheTrashIsHiddenAndComesBackWithItsDescendants()
    {
        var source = await test.Make(TestEngine.House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        var night = await test.Make(new EditedRecipe { Source = red.Id, Prompt = "a red house in a field at night" });
        var moved = test.Engine.TrashVersion(red.Id);
        Assert.Equal(new HashSet<string> { red.Id, night.Id }, moved.ToHashSet());
        Assert.Equal([source.Id], test.Store.Versions(test.Project).Select(version => version.Id));
        Assert.Null(test.Store.FindVersion(red.Id));
        Assert.Equal(1, test.Store.FindProject(test.Project)!.Versions);
        Assert.Throws<InvalidInputException>(() => test.Submit(night.Recipe));

        // The same edit is a new version, made from what lies in the trash.
        var again = await test.Make(red.Recipe);
        Assert.Equal((red.Picture, 4), (again.Picture, again.Number));

        test.Engine.RestoreVersions(test.Project, [.. moved]);
        Assert.Equal([source.Id, red.Id, night.Id, again.Id], test.Store.Versions(test.Project).Select(version => version.Id));
    }

    [Fact]
    public async Task NothingComesBackWithoutItsParent()
    {
        var source = await test.Make(TestEngine.House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        var child = test.Engine.TrashVersion(red.Id);
        var parent = test.Engine.TrashVersion(source.Id);
        Assert.Equal([source.Id], parent);
        test.Engine.RestoreVersions(test.Project, child);
        Assert.Empty(test.Store.Versions(test.Project));
        test.Engine.RestoreVersions(test.Project, [.. child, .. parent]);
        Assert.Equal(2, test.Store.Versions(test.Project).Count);
    }

    [Fact]
    public async Task NothingComesBackWithoutItsSource()
    {
        var source = await test.Make(TestEngine.House);
        var parent = await test.Make(TestEngine.House with { Seed = 5 });
        var over = await test.Engine.Submit(test.Project, parent.Id, new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" }).WhenOver();
        var edit = test.Engine.TrashVersion(over.Version!);
        test.Engine.TrashVersion(source.Id);
        Assert.Empty(test.Engine.RestoreVersions(test.Project, edit));
        Assert.Equal([parent.Id], test.Store.Versions(test.Project).Select(version => version.Id));
        Assert.Equal(2, test.Engine.RestoreVersions(test.Project, [.. edit, source.Id]).Count);
        Assert.Equal(3, test.Store.Versions(test.Project).Count);
    }

    [Fact]
    public async Task WhatIsInTheTrashGoesForGoodWhenItIsEmptiedOrTheStudioStartsAgain()
    {
        var source = await test.Make(TestEngine.House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        test.Engine.TrashVersion(red.Id);
        Assert.True(test.Store.Pictures.Has(red.Picture));
        test.Engine.EmptyTrash(test.Project, [source.Id, red.Id]);
        Assert.False(test.Store.Pictures.Has(red.Picture));
        Assert.True(test.Store.Pictures.Has(source.Picture));

        test.Engine.TrashVersion(source.Id);
        await test.Restart();
        Assert.False(test.Store.Pictures.Has(source.Picture));
        test.Engine.RestoreVersions(test.Project, [source.Id]);
        Assert.Empty(test.Store.Versions(test.Project));
    }
}
