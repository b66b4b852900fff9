using System.Collections.Concurrent;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Grids;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>
/// Makes the pictures of grids, one after another through the engine's queue, so that other pictures come in between. The edits of one source
/// follow each other: it runs once for all of them.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="engine">The engine.</param>
public sealed class GridMaker(StudioStore store, StudioEngine engine) : IAsyncDisposable
{
    private readonly Lock beginning = new();
    private readonly ConcurrentDictionary<string, GridRun> runs = new(StringComparer.Ordinal);

    /// <summary>Stores a grid and begins to make its pictures.</summary>
    /// <param name="project">Id of the project.</param>
    /// <param name="plan">The grid.</param>
    /// <exception cref="InvalidInputException">The grid, or a picture of it, is invalid.</exception>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    public StoredGrid Begin(string project, GridPlan plan)
    {
        engine.Check(project, plan.Edit);
        var source = store.Version(plan.Edit.Source).Recipe;
        foreach (var cell in GridCell.Of(plan, source))
        {
            // All edits have the mask of the plan's, which is checked: decoding it takes long.
            engine.Check(project, cell.Edit with { Mask = null, Feather = null });
            if (cell.Source != source)
                engine.Check(project, cell.Source);
        }

        var grid = store.AddGrid(project, plan);
        Continue(grid);
        return grid;
    }

    /// <summary>Makes the pictures of a grid that are missing. Does nothing while it runs.</summary>
    public void Continue(StoredGrid grid)
    {
        lock (beginning)
        {
            if (runs.TryGetValue(grid.Id, out var last) && !last.IsOver)
                return;
            var run = runs[grid.Id] = new GridRun();
            run.End = Task.Run(() => Make(grid, run));
        }
    }

    /// <summary>The run of a grid, which may have ended; null if it has not run since the studio started.</summary>
    public GridRun? Find(string grid) => runs.GetValueOrDefault(grid);

    /// <summary>Stops a grid and removes it. Its pictures stay.</summary>
    public void Delete(StoredGrid grid)
    {
        if (runs.TryRemove(grid.Id, out var run))
            run.Stop();
        store.Grids.Remove(grid);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var run in runs.Values)
            run.Stop();
        await Task.WhenAll(runs.Values.Select(run => run.End));
    }

    private async Task Make(StoredGrid grid, GridRun run)
    {
        string? problem = null;
        try
        {
            var source = store.Version(grid.Plan.Edit.Source);
            foreach (var group in GridCell.Of(grid.Plan, source.Recipe).GroupBy(cell => cell.Source))
            {
                var its = group.Key == source.Recipe ? source.Id : await Make(grid.Project, null, group.Key, run);
                foreach (var cell in group)
                    await Make(grid.Project, its, cell.Edit with { Source = its }, run);
            }
        }
        catch (OperationCanceledException)
        {
            // It was stopped, or one of its jobs.
        }
        catch (Exception e)
        {
            problem = JobProgress.Describe(e);
        }

        run.Finish(problem);
    }

    private async Task<string> Make(string project, string? parent, Recipe recipe, GridRun run)
    {
        var progress = await run.Follow(await Submit(project, parent, recipe, run.Stopping));
        return progress.State switch
        {
            JobState.Done => progress.Version!,
            JobState.Cancelled => throw new OperationCanceledException(),
            _ => throw new InvalidInputException(progress.Problem!),
        };
    }

    private async Task<Job> Submit(string project, string? parent, Recipe recipe, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return engine.SubmitOfGrid(project, parent, recipe);
            }
            catch (QueueFullException)
            {
                await engine.WhenAnyEnds(cancellationToken);
            }
        }
    }
}
