using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class QueueOrderTests
{
    [Fact]
    public async Task AMovedJobKeepsItsPlaceAfterARestartAndOtherProjectsKeepTheirs()
    {
        await using var test = new TestEngine();
        // The first picture takes long enough.
        await test.Restart(models: [TestStudio.Embedded]);
        var other = test.Store.CreateProject("Another one").Id;
        var first = test.Submit(TestEngine.House with { Steps = 900 });
        await foreach (var progress in first.Watch(TestContext.Current.CancellationToken))
        {
            if (progress.State == JobState.Running)
                break;
        }

        var waiting = new[] { 1, 2, 3 }.Select(seed => test.Submit(TestEngine.House with { Seed = (ulong)seed, Steps = 1 })).ToList();
        var foreign = test.Engine.Submit(other, null, TestEngine.House with { Seed = 9, Steps = 1 });
        waiting.Add(test.Submit(TestEngine.House with { Seed = 4, Steps = 1 }));
        var told = 0;
        test.Engine.QueueChanged += () => told++;
        Assert.True(test.Engine.Move(waiting[3], 0));
        Assert.NotEqual(0, told);
        Assert.Equal([waiting[3], waiting[0], waiting[1], foreign, waiting[2]], test.Engine.WaitingJobs);
        Assert.Equal(1, waiting[3].Progress.Ahead);

        await test.Restart(models: [TestStudio.Embedded]);
        var again = test.Engine.Find(first.Id)!;
        // It may have been picked already; nothing else may run before it.
        again.Cancel();
        foreach (var job in waiting.Append(foreign))
            Assert.Equal(JobState.Done, (await test.Engine.Find(job.Id)!.WhenOver(TestContext.Current.CancellationToken)).State);
        Assert.Equal([4ul, 1, 2, 3], test.Store.Versions(test.Project).Select(version => ((Studio.Recipes.DrawnRecipe)version.Recipe).Seed));
        Assert.False(test.Engine.Move(test.Engine.Find(foreign.Id)!, 0));
    }
}
