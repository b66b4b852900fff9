using Microsoft.Data.Sqlite;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class ResumeTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task WhatWasRunningOrWaitingIsTakenUpAgainInItsOrder()
    {
        var source = await test.Make(TestEngine.House);
        var jobs = new[]
        {
            test.Submit(TestEngine.House with { Seed = 7, Steps = 30 }),
            test.Submit(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" }),
            test.Submit(TestEngine.House with { Seed = 8 }),
        };
        jobs[2].Cancel();
        await test.Restart();
        Assert.Null(test.Engine.Find(jobs[2].Id));
        foreach (var before in jobs[..2])
        {
            var over = await test.Engine.Find(before.Id)!.WhenOver();
            Assert.True(over.State == JobState.Done, over.Problem);
            Assert.Equal(StudioJson.Write(before.Recipe), StudioJson.Write(test.Store.Version(over.Version!).Recipe));
        }

        Assert.Empty(test.Store.Jobs.All());
    }

    [Fact]
    public async Task WhatEndsTheProgramAgainAndAgainIsGivenUp()
    {
        var stored = new StoredJob("dangerous", test.Project, null, TestEngine.House with { Model = "storybook" }, Starts: 2);
        test.Store.Jobs.Add(stored);
        await test.Restart();
        var progress = test.Engine.Find("dangerous")!.Progress;
        Assert.Equal(JobState.Failed, progress.State);
        Assert.Contains("Submit it again", progress.Problem, StringComparison.Ordinal);
        Assert.Empty(test.Store.Jobs.All());
    }

    [Fact]
    public async Task AWordThatEndsTheProgramAgainAndAgainIsNoPicture()
    {
        test.Store.Jobs.Add(new StoredJob("dangerous", "", null, new LearnedRecipe { Model = "storybook", Prompt = "<cat>", Word = "<cat>", Initial = "cat", Pictures = [test.Send(8, 8)] }, Starts: 2));
        await test.Restart();
        Assert.Equal("The studio stopped twice while learning <cat>. Submit it again to retry.", test.Engine.Find("dangerous")!.Progress.Problem);
    }

    [Fact]
    public async Task WhatWasRunningWhenTheProgramWasKilledIsTriedOnceMore()
    {
        test.Store.Jobs.Add(new StoredJob("killed", test.Project, null, TestEngine.House with { Model = "storybook" }, Starts: 1));
        await test.Restart();
        Assert.Equal(JobState.Done, (await test.Engine.Find("killed")!.WhenOver()).State);
    }

    [Fact]
    public async Task WhatNoLongerCanBeMadeSaysSo()
    {
        test.Store.Jobs.Add(new StoredJob("other", test.Project, null, TestEngine.House with { Model = "gone" }));
        await test.Restart();
        var progress = test.Engine.Find("other")!.Progress;
        Assert.Equal(JobState.Failed, progress.State);
        Assert.Contains("gone", progress.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatCannotBeReadKeepsNothingFromStarting()
    {
        using (var file = new SqliteConnection($"Data Source={Path.Combine(test.Store.Folder, "studio.db")};Pooling=False"))
        {
            file.Open();
            using var command = file.CreateCommand();
            command.CommandText = """INSERT INTO jobs VALUES ('later', 'p', NULL, '{"type":"danced","prompt":"a house"}', 0)""";
            command.ExecuteNonQuery();
        }

        await test.Restart();
        Assert.Equal(JobState.Done, (await test.Submit(TestEngine.House).WhenOver()).State);
    }
}
