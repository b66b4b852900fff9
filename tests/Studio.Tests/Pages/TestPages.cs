using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Hosting;
using PromptToPrompt.Studio.Pages;

namespace PromptToPrompt.Studio.Tests.Pages;

/// <summary>Pages of a studio without a browser.</summary>
internal static class TestPages
{
    /// <summary>A page of the test's store.</summary>
    /// <param name="test">The test's store and engine.</param>
    /// <param name="engine">Another engine; null for the test's.</param>
    public static Workspace NewPage(this TestEngine test, StudioEngine? engine = null) =>
        new(test.Store, engine ?? test.Engine, new StudioOptions { DataFolder = "", Models = [TestStudio.Model], DrawGrid = _ => [], DrawTable = _ => [] });

    /// <summary>A page that shows the test's project.</summary>
    /// <param name="test">The test's store and engine.</param>
    /// <param name="engine">Another engine; null for the test's.</param>
    public static Workspace OpenPage(this TestEngine test, StudioEngine? engine = null)
    {
        var page = test.NewPage(engine);
        Assert.True(page.Open(test.Project));
        return page;
    }

    /// <summary>Waits until no job runs.</summary>
    public static Task Idle(this Workspace page) => page.Until(() => page.Job is null);

    /// <summary>Waits for a change of the page.</summary>
    public static async Task Until(this Workspace page, Func<bool> holds)
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
}
