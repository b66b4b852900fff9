using PromptToPrompt.Studio.Engine;
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
    }
}
