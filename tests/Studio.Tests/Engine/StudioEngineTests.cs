using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Engine;

[Trait("Category", "Slow")]
public sealed class StudioEngineTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    private static DrawnRecipe House => TestEngine.House;

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task EditsOfEditsFollowTheirOwnSource()
    {
        var source = await test.Make(House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        var night = await test.Make(new EditedRecipe { Source = red.Id, Prompt = "a red house in a field at night" });
        Assert.Equal(red.Id, night.Parent);
        Assert.Equal(3, new[] { source.Picture, red.Picture, night.Picture }.Distinct().Count());
        Assert.Contains("--inversion", CommandLineText.Of(night, test.Store.Version), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SourcesThatWentAreRunAgainWithTheSameResult()
    {
        var source = await test.Make(House);
        var edit = new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" };
        var kept = await test.Make(edit);
        await test.Restart();
        test.Project = test.Store.CreateProject("Another").Id;
        var other = await test.Make(House with { Seed = 5 });
        var again = await test.Make(House);
        // The first project's picture was found, so its session has to be made for this edit.
        Assert.Equal(source.Picture, again.Picture);
        var weighted = await test.Make(edit with { Source = again.Id, Prompt = "a (red:1) house in a field" });
        Assert.Equal(kept.Picture, weighted.Picture);
        Assert.NotEqual(other.Picture, again.Picture);
    }

    [Fact]
    public async Task AnInversionWhoseFileIsDamagedIsMadeAgain()
    {
        var source = await test.Make(House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        var further = new EditedRecipe { Source = red.Id, Prompt = "a red house in a field at night" };
        var night = await test.Make(further);
        var file = test.Store.InversionFile(test.Store.KeyOf(red.Id));
        await File.WriteAllTextAsync(file, "damaged", TestContext.Current.CancellationToken);
        await test.Restart();
        Assert.Equal(night.Picture, (await test.Make(further with { Prompt = "a red house in a field at (night:1)" })).Picture);
        Assert.True(new FileInfo(file).Length > 1000);
    }

    [Fact]
    public async Task TheSameEditIsTheSameVersion()
    {
        var source = await test.Make(House);
        var edit = new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" };
        Assert.Equal((await test.Make(edit)).Id, (await test.Make(edit)).Id);
    }

    [Fact]
    public async Task AQueueThatIsFullTakesNoMoreAndWhatWaitsCanBeStopped()
    {
        await test.Restart(new EngineLimits { QueueLength = 2 });
        var running = test.Engine.Submit(test.Project, null, House with { Steps = 200 });
        var jobs = new List<Job>();
        var full = Assert.Throws<QueueFullException>(() =>
        {
            for (ulong seed = 10; seed < 20; seed++)
                jobs.Add(test.Engine.Submit(test.Project, null, House with { Seed = seed, Steps = 200 }));
        });
        Assert.Contains("waiting", full.Message, StringComparison.Ordinal);
        jobs[^1].Cancel();
        Assert.Equal(JobState.Cancelled, jobs[^1].Progress.State);
        running.Cancel();
        Assert.Equal(JobState.Cancelled, (await running.WhenOver()).State);
        jobs.ForEach(job => job.Cancel());
        Assert.All(await Task.WhenAll(jobs.Select(job => job.WhenOver())), over => Assert.Equal(JobState.Cancelled, over.State));
    }

    [Fact]
    public async Task AWordThatIsNotThereIsRefusedBeforeTheModelIsLoaded()
    {
        var source = await test.Make(House);
        var edit = new EditedRecipe { Source = source.Id, Prompt = "a red house", Blend = "horse" };
        await test.Restart();
        var refused = Assert.Throws<InvalidInputException>(() => test.Submit(edit));
        Assert.Contains("\"horse\"", refused.Problem, StringComparison.Ordinal);
        Assert.Equal("Blend", refused.Setting);
        Assert.False(test.Engine.State.IsModelLoaded);
    }

    [Fact]
    public async Task AWordThatOnlyTheModelCanCheckFailsInASentence()
    {
        var source = await test.Make(House);
        await test.Restart(models: [TestStudio.Model with { LoadTokenizer = (_, _) => throw new IOException("unreadable") }]);
        var over = await test.Submit(new EditedRecipe { Source = source.Id, Prompt = "a red house", Blend = "horse" }).WhenOver();
        Assert.Equal(JobState.Failed, over.State);
        Assert.Contains("horse", over.Problem, StringComparison.Ordinal);
        Assert.Equal("blend", over.Setting);
        // The loaded model has a tokenizer.
        Assert.Equal("Blend", Assert.Throws<InvalidInputException>(() => test.Submit(new EditedRecipe { Source = source.Id, Prompt = "a blue house", Blend = "horse" })).Setting);
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedAtOnce()
    {
        Assert.Throws<InvalidInputException>(() => test.Engine.Submit("nowhere", null, House));
        Assert.Throws<InvalidInputException>(() => test.Engine.Submit(test.Project, null, House with { Steps = 0 }));
        Assert.Throws<InvalidInputException>(() => test.Engine.Submit(test.Project, null, House with { Prompt = " " }));
        Assert.Throws<InvalidInputException>(() => test.Engine.Submit(test.Project, null, House with { Model = "other" }));
        Assert.Throws<InvalidInputException>(() => test.Engine.Submit(test.Project, null, new EditedRecipe { Source = "nothing", Prompt = "a house" }));
        Assert.Throws<InvalidInputException>(() => test.Engine.Submit(test.Project, null, new InvertedRecipe { Picture = "nothing", Prompt = "a house" }));
    }
}
