using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Engine;

[Trait("Category", "Slow")]
public sealed class DeletionTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task AVersionGoesWithAllThatWasMadeFromIt()
    {
        var source = await test.Make(TestEngine.House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        var blue = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a blue house in a field" });
        var night = await test.Make(new EditedRecipe { Source = red.Id, Prompt = "a red house in a field at night" });
        var inversion = test.Store.InversionFile(test.Store.KeyOf(red.Id));
        Assert.True(File.Exists(inversion));

        Assert.True(test.Engine.DeleteVersion(red.Id));
        Assert.Equal([source.Id, blue.Id], test.Store.Versions(test.Project).Select(version => version.Id));
        Assert.All([red, night], gone => Assert.False(test.Store.Pictures.Has(gone.Picture)));
        Assert.All([source, blue], here => Assert.True(test.Store.Pictures.Has(here.Picture)));
        Assert.False(File.Exists(inversion));
        Assert.False(test.Engine.DeleteVersion(red.Id));

        // Nothing of it is in the way of making it again.
        Assert.Equal(red.Picture, (await test.Make(red.Recipe)).Picture);
    }

    [Fact]
    public async Task WhatAnotherProjectHasAsWellStays()
    {
        var first = await test.Make(TestEngine.House);
        var project = test.Project;
        test.Project = test.Store.CreateProject("Another").Id;
        var second = await test.Make(TestEngine.House);
        Assert.Equal(first.Picture, second.Picture);
        Assert.True(test.Engine.DeleteProject(project));
        Assert.Null(test.Store.FindProject(project));
        Assert.True(test.Store.Pictures.Has(second.Picture));
        Assert.NotNull(test.Store.Maps(second.Id));
        Assert.True(test.Engine.DeleteVersion(second.Id));
        Assert.False(test.Store.Pictures.Has(second.Picture));
        Assert.False(test.Engine.DeleteProject(project));
    }

    [Fact]
    public async Task WhatIsBeingMadeFromItIsStopped()
    {
        var source = await test.Make(TestEngine.House);
        var other = test.Submit(TestEngine.House with { Seed = 9, Steps = 40 });
        var edit = test.Submit(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        Assert.True(test.Engine.DeleteVersion(source.Id));
        Assert.Equal(JobState.Cancelled, (await edit.WhenOver()).State);
        Assert.Equal(JobState.Done, (await other.WhenOver()).State);
        Assert.Throws<InvalidInputException>(() => test.Submit(edit.Recipe));
        var running = test.Submit(TestEngine.House with { Seed = 10, Steps = 200 });
        await foreach (var progress in running.Watch())
        {
            if (progress.State == JobState.Running)
                break;
        }

        Assert.True(test.Engine.DeleteProject(test.Project));
        Assert.Equal(JobState.Cancelled, (await running.WhenOver()).State);
        Assert.Empty(test.Store.Jobs.All());
    }

    [Fact]
    public async Task ASentPictureWaitsForItsUseAndGoesWithIt()
    {
        var picture = test.Send(150, 130);
        var unused = test.Send(20, 20);
        var source = await test.Make(TestEngine.House);
        test.Engine.DeleteVersion(source.Id);
        Assert.True(test.Store.Pictures.Has(unused));

        var inverted = await test.Make(new InvertedRecipe { Picture = picture, Prompt = "a house", Method = "direct", Steps = 3 });
        test.Clock.Later = TimeSpan.FromDays(2);
        await test.Restart();
        Assert.False(test.Store.Pictures.Has(unused));
        Assert.True(test.Store.Pictures.Has(picture));
        test.Engine.DeleteVersion(inverted.Id);
        Assert.False(test.Store.Pictures.Has(picture));
    }

    [Fact]
    public void ASentPictureThatAWaitingJobNamesStays()
    {
        test.Submit(TestEngine.House with { Steps = 200 });
        var picture = test.Send(150, 130);
        var job = test.Submit(new InvertedRecipe { Picture = picture, Prompt = "a house", Method = "direct", Steps = 3 });
        test.Clock.Later = TimeSpan.FromDays(2);
        test.Engine.DeleteProject(test.Store.CreateProject("Another").Id);
        Assert.True(test.Store.Pictures.Has(picture));
        job.Cancel();
        test.Engine.DeleteProject(test.Store.CreateProject("Another").Id);
        Assert.False(test.Store.Pictures.Has(picture));
    }
}
