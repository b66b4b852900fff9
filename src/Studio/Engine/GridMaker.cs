using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Grids;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Engine;

/// <summary>
/// Makes the pictures of grids, one after another through the engine's queue, so that other pictures come in between. The edits of one source
/// follow each other: it runs once for all of them. Grids that were being made when the program ended are taken up again.
/// </summary>
public sealed class GridMaker : IAsyncDisposable
{
    private readonly StudioStore store;
    private readonly StudioEngine engine;
    private readonly ILogger<GridMaker>? log;
    private readonly Lock beginning = new();
    private readonly ConcurrentDictionary<string, GridRun> runs = new(StringComparer.Ordinal);
    private volatile bool isClosing;

    /// <summary>Takes up the grids that the last one was making.</summary>
    /// <param name="store">The store.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="log">Receives internal failures.</param>
    public GridMaker(StudioStore store, StudioEngine engine, ILogger<GridMaker>? log = null)
    {
        (this.store, this.engine, this.log) = (store, engine, log);
        foreach (var (grid, starts) in store.Grids.Running())
        {
            if (starts < StudioEngine.MaxStarts)
                Continue(grid);
            else
                GiveUp(grid);
        }
    }

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
            // Without it, the grid does not resume by itself.
            Note(() => store.Grids.CountStart(grid.Id));
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

    /// <summary>Stores a removed grid again, if its project is still there. It does not run.</summary>
    /// <exception cref="DiskFullException">The disk is full.</exception>
    internal void BringBack(StoredGrid grid)
    {
        if (store.FindProject(grid.Project) is not null && store.Grids.Find(grid.Id) is null)
            store.AddGrid(grid);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        isClosing = true;
        foreach (var run in runs.Values)
            run.Interrupt();
        await Task.WhenAll(runs.Values.Select(run => run.End));
    }

    private async Task Make(StoredGrid grid, GridRun run)
    {
        string? problem = null;
        var isInterrupted = false;
        try
        {
            var source = store.Version(grid.Plan.Edit.Source);
            foreach (var group in GridCell.Of(grid.Plan, source.Recipe).GroupBy(cell => cell.Source))
            {
                var its = group.Key == source.Recipe ? source.Id : await Make(grid, null, group.Key, run);
                foreach (var cell in group)
                    await Make(grid, its, cell.Edit with { Source = its }, run);
            }
        }
        catch (OperationCanceledException)
        {
            // It was stopped, or one of its jobs.
            isInterrupted = !run.IsStopped && (isClosing || run.Job?.IsInterrupted == true);
        }
        catch (StudioClosedException)
        {
            isInterrupted = true;
        }
        catch (Exception e)
        {
            problem = JobProgress.Describe(e);
        }

        // A grid that was removed and brought back may have another run by now.
        if (runs.TryGetValue(grid.Id, out var current) && current == run)
        {
            Note(() =>
            {
                if (isInterrupted)
                    store.Grids.SetStarts(grid.Id, 0);
                else
                    store.Grids.End(grid.Id);
            });
        }

        run.Finish(problem);
    }

    // Its picture may be what ended the program.
    private void GiveUp(StoredGrid grid)
    {
        var run = runs[grid.Id] = new GridRun();
        run.Finish("The studio stopped twice while making this grid. Continue it to retry.");
        Note(() => store.Grids.End(grid.Id));
    }

    // The pictures matter more than whether the grid resumes after a restart.
    private void Note(Action note)
    {
        try
        {
            note();
        }
        catch (Exception e)
        {
            log?.LogError(e, "The state of a grid could not be stored.");
        }
    }

    private async Task<string> Make(StoredGrid grid, string? parent, Recipe recipe, GridRun run)
    {
        var job = await Submit(grid.Project, parent, recipe, run.Stopping);
        var isThere = job.Progress.IsOver;
        var progress = await run.Follow(job);
        // A grid is given up if the program ends at the same picture again, not at two of many.
        if (progress.State == JobState.Done && !isThere)
            Note(() => store.Grids.SetStarts(grid.Id, 1));
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
