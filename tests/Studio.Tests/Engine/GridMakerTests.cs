using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Grids;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class GridMakerTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task AnUnexpectedFailureEndsTheRunAndIsSaid()
    {
        await using var grids = new GridMaker(test.Store, test.Engine);
        // No stored grid is without a plan.
        var grid = new StoredGrid("grid", test.Project, Plan: null!);
        grids.Continue(grid);
        var run = grids.Find(grid.Id)!;
        await run.End;
        Assert.True(run.IsOver);
        Assert.StartsWith("NullReferenceException: ", run.Problem, StringComparison.Ordinal);
        Assert.Empty(test.Store.Grids.Running());
    }

    [Fact]
    public async Task AGridThatWasBeingMadeResumesAfterARestart()
    {
        StoredGrid grid;
        await using (var grids = new GridMaker(test.Store, test.Engine))
        {
            grid = await Begin(grids);
            var change = test.Store.NextChange(test.Project);
            if (Made(grid) == 0)
                await change;
        }

        Assert.InRange(Made(grid), 1, 7);
        await test.Restart();
        await using var later = new GridMaker(test.Store, test.Engine);
        await later.Find(grid.Id)!.End;
        Assert.Equal(8, Made(grid));
        Assert.Empty(test.Store.Grids.Running());
    }

    [Fact]
    public async Task AGridThatWasStoppedOrRemovedDoesNotResume()
    {
        StoredGrid stopped, removed;
        await using (var grids = new GridMaker(test.Store, test.Engine))
        {
            stopped = await Begin(grids);
            grids.Find(stopped.Id)!.Stop();
            await grids.Find(stopped.Id)!.End;
            removed = await Begin(grids);
            grids.Delete(removed);
            grids.BringBack(removed);
        }

        await test.Restart();
        await using var later = new GridMaker(test.Store, test.Engine);
        Assert.Null(later.Find(stopped.Id));
        Assert.Null(later.Find(removed.Id));
        Assert.Equal([stopped.Id, removed.Id], test.Store.Grids.Of(test.Project).Select(grid => grid.Id));
    }

    [Fact]
    public async Task AGridThatEndsTheProgramAgainAndAgainIsGivenUp()
    {
        StoredGrid grid;
        await using (var grids = new GridMaker(test.Store, test.Engine))
            grid = await Begin(grids);
        // As the starts of two programs that were killed.
        test.Store.Grids.CountStart(grid.Id);
        test.Store.Grids.CountStart(grid.Id);
        await test.Restart();
        await using (var later = new GridMaker(test.Store, test.Engine))
        {
            var run = later.Find(grid.Id)!;
            Assert.True(run.IsOver);
            Assert.Contains("Continue it to retry", run.Problem, StringComparison.Ordinal);
            later.Continue(grid);
            await later.Find(grid.Id)!.End;
        }

        Assert.Equal(8, Made(grid));
    }

    private async Task<StoredGrid> Begin(GridMaker grids)
    {
        var source = await test.Make(TestEngine.House);
        return grids.Begin(test.Project, new GridPlan { Edit = new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" }, Columns = "selfSteps=0,0.1,0.2,0.3,0.5,0.6,0.7,0.8" });
    }

    private int Made(StoredGrid grid) => GridTable.Of(grid.Plan, test.Store.Versions(test.Project))!.Made;
}
