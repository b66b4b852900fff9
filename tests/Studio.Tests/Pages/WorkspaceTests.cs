using System.Collections.Concurrent;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Pages;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class WorkspaceTests : IAsyncDisposable
{
    private readonly TestEngine test = new();

    public ValueTask DisposeAsync() => test.DisposeAsync();

    [Fact]
    public void AnErrorNamesTheLabelOfTheField()
    {
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        page.Settings = page.Settings with { Scheduler = "magic" };
        page.Draw("a house");
        Assert.StartsWith("Scheduler: \"magic\" is unknown.", page.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProjectThatAnotherPageDeletedIsNamed()
    {
        await test.Make(TestEngine.House);
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        test.Engine.DeleteProject(test.Project);
        await Until(page, () => page.IsDeleted);
        page.Rename("Another name");
        page.Draw("a house");
        Assert.Equal("The project “A test” was deleted.", page.Problem);
        Assert.NotNull(page.Project);
    }

    [Fact]
    public async Task APageFollowsWhatAnotherOneDoes()
    {
        var first = await test.Make(TestEngine.House);
        using NewlyOpened one = new(this), other = new(this);
        one.Page.Apply(one.Page.Draft.Swap(1, "red"));
        await Until(one.Page, () => one.Page.Edit is not null);
        await Until(other.Page, () => other.Page.Versions.Count == 2);
        // What the other page shows stays.
        Assert.Equal(first.Id, other.Page.Shown?.Id);
        other.Page.Rename("Houses");
        await Until(one.Page, () => one.Page.Project!.Name == "Houses");
        other.Page.Delete(one.Page.Edit!);
        await Until(one.Page, () => one.Page.Versions.Count == 1);
        Assert.Equal(first.Id, one.Page.Shown?.Id);
    }

    [Fact]
    public async Task AnEditThatIsDeletedBeforeThePageShowedItTakesItsDraftAlong()
    {
        await test.Make(TestEngine.House);
        var clock = new StoppedClock();
        await using var engine = new StudioEngine(test.Store, [TestStudio.Model], new EngineLimits(), clock);
        using var page = NewPage(engine);
        Assert.True(page.Open(test.Project));
        page.Apply(page.Draft.Swap(1, "red"));
        // The page follows the project, but not yet the end of its job.
        await Until(page, () => page.Versions.Count == 2);
        Assert.Null(page.Edit);
        Assert.True(page.Delete(page.Versions[1]));
        clock.Start();
        await Idle(page);
        Assert.Equal((1, true, false), (page.Versions.Count, page.Draft.IsUnchanged, page.IsUnfinished));
        page.Undo();
        Assert.Equal((2, 2), (page.Versions.Count, page.Edit?.Number));
    }

    [Fact]
    public async Task AnEmptyPageShowsThePictureThatAnotherOneMakes()
    {
        using NewlyOpened one = new(this), other = new(this);
        one.Page.Draw("a house in a field");
        await Until(other.Page, () => other.Page.Shown is not null);
        Assert.Equal("a house in a field", other.Page.Shown!.Recipe.Prompt);
    }

    [Fact]
    public async Task TheFirstPictureBeginsAProjectAndItsPromptNamesIt()
    {
        using var page = NewPage();
        page.OpenNew(after: null);
        page.Settings = page.Settings with { Steps = TestStudio.Steps };
        Assert.Null(page.Project);
        page.Draw("a  red house\nin a field");
        Assert.Equal("a red house in a field", page.Project?.Name);
        var over = await page.Job!.WhenOver();
        Assert.Equal(page.Project!.Id, test.Store.Version(over.Version!).Project);
    }

    [Fact]
    public void APictureThatIsRefusedBeginsNoProject()
    {
        using var page = NewPage();
        page.OpenNew(after: null);
        page.Settings = page.Settings with { Steps = 0 };
        page.Draw("a house");
        Assert.Contains("out of range", page.Problem, StringComparison.Ordinal);
        Assert.Null(page.Project);
        Assert.Single(test.Store.Projects());
    }

    [Fact]
    public async Task ANewProjectTakesOverTheSettingsOfTheLastOneButNotTheSeed()
    {
        await test.Make(TestEngine.House with { Seed = 77, Negative = "people", ClipSkip = 1 });
        using var page = NewPage();
        page.OpenNew(test.Project);
        Assert.Equal(("people", 1, TestStudio.Steps), (page.Settings.Negative, page.Settings.ClipSkip, page.Settings.Steps));
        Assert.NotEqual(77ul, page.Settings.Seed);
    }

    [Fact]
    public async Task APictureThatWasThereBeforeAnybodyCouldWatchIsShown()
    {
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        var made = await test.Make(TestEngine.House);
        page.Resume();
        Assert.Equal(made.Id, page.Shown?.Id);
    }

    [Fact]
    public async Task WhatIsShownAfterDeletingIsWhatIsLeft()
    {
        var source = await test.Make(TestEngine.House);
        var edit = await test.Make(new EditedRecipe { Source = source.Id, Prompt = "a red house in a field" });
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
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
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        Assert.False(page.CanUndo);
        page.Think(page.Draft with { CrossSteps = "0.5" });
        page.Apply(page.Draft.Swap(1, "red"));
        await Idle(page);
        var red = page.Shown!;
        page.Apply(page.Draft.Weigh(2, 1.5));
        await Idle(page);
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
        using (var page = NewPage())
        {
            Assert.True(page.Open(test.Project));
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
        using (var page = NewPage())
        {
            Assert.True(page.Open(test.Project));
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
        using (var empty = NewPage())
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
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
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
        using var opened = new NewlyOpened(this);
        var page = opened.Page;
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

    [Fact]
    public async Task APictureHasANameAndCanBeAFavorite()
    {
        var source = await test.Make(TestEngine.House);
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        page.Name(page.Shown!, " The first ");
        page.Favor(page.Shown!);
        Assert.Equal(("The first", true), (page.Shown!.Name, page.Shown.IsFavorite));
        Assert.Equal("The first", test.Store.Version(source.Id).Name);
        page.Name(page.Shown, "");
        Assert.Equal((null, true), (page.Shown.Name, page.Shown.IsFavorite));
    }

    [Fact]
    public async Task ACancelledPictureCanBeTriedAgain()
    {
        await test.Make(TestEngine.House);
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        page.Apply(page.Draft.Swap(1, "red"));
        page.Cancel();
        await Idle(page);
        if (page.Versions.Count == 1)
        {
            Assert.True(page.IsUnfinished);
            page.TryAgain();
            await Idle(page);
        }

        Assert.Equal("a red house in a field", page.Shown?.Recipe.Prompt);
        Assert.False(page.IsUnfinished);
    }

    [Fact]
    public async Task LongPromptsAreReadOnceThatIsAsked()
    {
        var words = string.Join(' ', Enumerable.Repeat("red", 80));
        await test.Make(TestEngine.House with { Prompt = $"a house {words}" });
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        Assert.Equal(7, page.Cut.Count);
        Assert.Equal(7, page.CutOf($"a house {words}").Count);
        page.Apply(page.Draft.Swap(1, "castle"));
        await Idle(page);
        page.ReadLongPrompts();
        await Until(page, () => page is { Source.Recipe: DrawnRecipe { LongPrompts: true }, Edit: not null });
        Assert.Empty(page.Cut);
        Assert.StartsWith("a castle red", page.Shown?.Recipe.Prompt, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsDrawnAnewAndFilledIsReadAsThePictureBefore()
    {
        var house = await test.Make(TestEngine.House with { LongPrompts = true, ClipSkip = 1 });
        using var page = NewPage();
        Assert.True(page.Open(test.Project));
        page.Draw("a red house in a field");
        Assert.Equal(TestEngine.House with { Prompt = "a red house in a field", Model = "storybook", LongPrompts = true, ClipSkip = 1 }, page.Job!.Recipe);
        page.Fill(house.Picture, null, "a blue house in a field");
        Assert.Equal((true, 1), page.Job!.Recipe is InpaintedRecipe filled ? (filled.LongPrompts, filled.ClipSkip) : default);
    }

    [Fact]
    public async Task AStudioThatClosesSaysSo()
    {
        var engine = new StudioEngine(test.Store, [TestStudio.Model], new EngineLimits(), TimeProvider.System);
        using var page = NewPage(engine);
        Assert.True(page.Open(test.Project));
        await engine.DisposeAsync();
        page.Draw("a house");
        Assert.Contains("closing", page.Problem, StringComparison.Ordinal);
    }

    // Waits until no job runs.
    private static Task Idle(Workspace page) => Until(page, () => page.Job is null);

    // Waits for a change of the page.
    private static async Task Until(Workspace page, Func<bool> holds)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        page.Changed += Check;
        Check();
        await reached.Task.WaitAsync(TimeSpan.FromMinutes(2));
        page.Changed -= Check;

        void Check()
        {
            if (holds())
                reached.TrySetResult();
        }
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

    /// <summary>A page that shows the test's project.</summary>
    private sealed class NewlyOpened : IDisposable
    {
        public NewlyOpened(WorkspaceTests tests)
        {
            Page = tests.NewPage();
            Assert.True(Page.Open(tests.test.Project));
        }

        public Workspace Page { get; }

        public void Dispose() => Page.Dispose();
    }

    private Workspace NewPage(StudioEngine? engine = null) => new(test.Store, engine ?? test.Engine, new StudioOptions { DataFolder = "", Models = [TestStudio.Model], DrawGrid = _ => [], DrawTable = _ => [] });
}
