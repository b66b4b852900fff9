using System.Collections.Concurrent;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Pages;

/// <summary>Deleting, undo and redo on a page.</summary>
public sealed class WorkspaceUndoTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public async Task AnEditThatIsDeletedBeforeThePageShowedItTakesItsDraftAlong()
    {
        await test.Make(TestEngine.House);
        var clock = new StoppedClock();
        await using var engine = new StudioEngine(test.Store, [TestStudio.Model], new EngineLimits(), clock);
        using var page = test.OpenPage(engine);
        page.Apply(page.Draft.Swap(1, "red"));
        // The page follows the project, but not yet the end of its job.
        await page.Until(() => page.Versions.Count == 2);
        Assert.Null(page.Edit);
        Assert.True(page.Delete(page.Versions[1]));
        clock.Start();
        await page.Idle();
        Assert.Equal((1, true, false), (page.Versions.Count, page.Draft.IsUnchanged, page.IsUnfinished));
        page.Undo();
        Assert.Equal((2, 2), (page.Versions.Count, page.Edit?.Number));
    }

    [Fact]
    public async Task WhatIsShownAfterDeletingIsWhatIsLeft()
    {
        var source = await test.Make(TestEngine.House);
        var edit = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        using var page = test.OpenPage();
        Assert.Equal(edit.Id, page.Shown?.Id);
        Assert.Equal(1, page.CountMadeFrom(source));
        page.Delete(edit);
        Assert.Equal(source.Id, page.Shown?.Id);
        Assert.True(page.Draft.IsUnchanged);
        page.Delete(source);
        Assert.Null(page.Shown);
        Assert.Empty(page.Draft.Words);
    }

    [Fact]
    public async Task UndoBringsBackWordsPicturesAndWhatWasDeleted()
    {
        var source = await test.Make(TestEngine.House);
        using var page = test.OpenPage();
        Assert.False(page.CanUndo);
        page.Think(page.Draft with { CrossSteps = "0.5" });
        page.Apply(page.Draft.Swap(1, "red"));
        await page.Idle();
        var red = page.Shown!;
        page.Apply(page.Draft.Weigh(2, 1.5));
        await page.Idle();
        Assert.Equal(3, page.Versions.Count);

        page.Undo();
        Assert.Equal((red.Id, "a red house in a field"), (page.Shown?.Id, page.Draft.Prompt));
        Assert.Null(page.Job);
        page.Delete(red);
        Assert.Equal(source.Id, page.Shown?.Id);
        page.Undo();
        Assert.Equal(red.Id, page.Shown?.Id);
        page.Undo();
        Assert.Equal((source.Id, "0.5", true), (page.Shown?.Id, page.Draft.CrossSteps, page.Draft.IsUnchanged));
        page.Undo();
        Assert.Equal(EditedRecipe.DefaultCrossSteps, page.Draft.CrossSteps);
        Assert.False(page.CanUndo);

        page.Redo();
        page.Redo();
        Assert.Equal(red.Id, page.Shown?.Id);
        page.Redo();
        Assert.Equal(source.Id, page.Shown?.Id);
        Assert.Equal(2, page.Versions.Count);
        Assert.False(page.CanRedo);
    }

    [Fact]
    public async Task ADeletedPictureIsGoneForGoodWhenThePageCloses()
    {
        var source = await test.Make(TestEngine.House);
        using (var page = test.OpenPage())
        {
            page.Delete(source);
            Assert.True(test.Store.Pictures.Has(source.Picture));
            page.BringBack(source);
            Assert.Equal(source.Id, page.Shown?.Id);
            page.Delete(source);
        }

        Assert.False(test.Store.Pictures.Has(source.Picture));
    }

    [Fact]
    public async Task ADeletedPictureThatCannotComeBackIsGoneForGoodWhenThePageCloses()
    {
        var source = await test.Make(TestEngine.House);
        var red = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        using (var page = test.OpenPage())
        {
            page.Delete(red);
            test.Engine.TrashVersion(source.Id);
            page.BringBack(red);
            Assert.Empty(page.Versions);
        }

        Assert.False(test.Store.Pictures.Has(red.Picture));
        Assert.True(test.Store.Pictures.Has(source.Picture));
    }

    [Fact]
    public async Task WithNothingToUndoTheRunningJobGoesOn()
    {
        using (var empty = test.NewPage())
        {
            empty.OpenNew(after: null);
            empty.Undo();
            empty.Redo();
            empty.Settings = empty.Settings with { Scheduler = "magic" };
            empty.Draw("a house");
            empty.Undo();
            Assert.Null(empty.Project);
        }

        var job = test.Submit(TestEngine.House);
        using var page = test.OpenPage();
        page.Resume();
        page.Undo();
        page.Redo();
        Assert.Same(job, page.Job);
        Assert.Equal(JobState.Done, (await job.WhenOver()).State);
    }

    [Fact]
    public async Task AnUndoneEditIsNotShownWhenItsPictureIsFinishedAtThatMoment()
    {
        var source = await test.Make(TestEngine.House);
        using var page = test.OpenPage();
        var context = new HeldBack();
        context.Run(() => page.Apply(page.Draft.Swap(1, "red")));
        Assert.Equal(JobState.Done, (await page.Job!.WhenOver()).State);
        await context.Arrived;
        // The page has not heard of it yet.
        context.Run(page.Undo);
        context.Deliver();
        Assert.Null(page.Edit);
        Assert.Equal(source.Id, page.Shown?.Id);
        Assert.True(page.Draft.IsUnchanged);
        Assert.Null(page.Job);
    }

    /// <summary>A clock whose timers wait until it is started.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        private readonly Lock changing = new();
        private List<Action>? waiting = [];

        public void Start()
        {
            lock (changing)
            {
                waiting!.ForEach(start => start());
                waiting = null;
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            lock (changing)
            {
                if (waiting is null)
                    return base.CreateTimer(callback, state, dueTime, period);
                var timer = base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
                waiting.Add(() => timer.Change(dueTime, period));
                return timer;
            }
        }
    }

    /// <summary>Holds back what would happen on a page's thread until it is delivered.</summary>
    private sealed class HeldBack : SynchronizationContext
    {
        private readonly ConcurrentQueue<(SendOrPostCallback Work, object? State)> posts = new();
        private readonly TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Arrived => arrived.Task.WaitAsync(TimeSpan.FromMinutes(2));

        public override void Post(SendOrPostCallback d, object? state)
        {
            posts.Enqueue((d, state));
            arrived.TrySetResult();
        }

        public void Run(Action work)
        {
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                work();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }

        public void Deliver()
        {
            while (posts.TryDequeue(out var post))
                Run(() => post.Work(post.State));
        }
    }
}
