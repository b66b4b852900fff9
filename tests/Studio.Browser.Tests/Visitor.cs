using System.Text.RegularExpressions;
using Microsoft.Playwright;
using PromptToPrompt.Studio.Drafts;

namespace PromptToPrompt.Studio.Browser.Tests;

/// <summary>Somebody at the page, and what they do there.</summary>
internal sealed class Visitor(IBrowserContext context, IPage page, TestStudio? own) : IAsyncDisposable
{
    // Two busy cores may take their time.
    public const float Patience = 60_000;

    private readonly List<string> complaints = [];

    public IPage Page => page;

    /// <summary>All that the page asked for, of whomever.</summary>
    public List<Uri> Asked { get; } = [];

    /// <summary>Id of the open project.</summary>
    public string Project => new Uri(page.Url).Segments[2].Trim('/');

    public ILocator Shots => page.Locator(".film .shot");

    public ILocator Alert => page.GetByRole(AriaRole.Alert);

    public async Task Open(Uri address)
    {
        page.SetDefaultTimeout(Patience);
        page.PageError += (_, error) => complaints.Add(error);
        page.Request += (_, request) =>
        {
            var asked = new Uri(request.Url);
            Asked.Add(asked);
            if (asked is { Scheme: "http" or "https" } && asked.Authority != address.Authority)
                complaints.Add($"asked {request.Url}");
        };
        await page.GotoAsync(address.ToString());
        await Draw();
    }

    /// <summary>Begins another project with its first picture.</summary>
    public async Task New()
    {
        await Choose("New project");
        await At(@"/new(\?|$)");
        await Draw();
    }

    /// <summary>Begins a project with its first picture.</summary>
    public async Task Draw(string prompt = Suggestions.FirstPrompt)
    {
        await Connected();
        await page.GetByLabel("What should the picture show?").FillAsync(prompt);
        await Touch("Draw");
        await At("/p/");
        await Ready();
    }

    /// <summary>Waits until the first picture of a project is there and the page answers to its visitor.</summary>
    public async Task Ready()
    {
        await Assertions.Expect(Shots.First).ToBeVisibleAsync();
        await Connected();
    }

    /// <summary>Waits until the address matches a pattern. Playwright's own wait for an address can miss a change at the moment when it begins.</summary>
    public Task At(string pattern) => Assertions.Expect(page).ToHaveURLAsync(new Regex(pattern));

    /// <summary>Waits until the page answers to its visitor.</summary>
    public Task Connected() => page.WaitForFunctionAsync("() => window.studio?.connected?.() === true");

    /// <summary>Waits until the project has so many pictures.</summary>
    public Task Pictures(int count) => Assertions.Expect(Shots).ToHaveCountAsync(count);

    public Task Touch(string button) => page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();

    public async Task Swap(string word, string other)
    {
        await Touch($"{word}; swap it");
        await Touch(other);
    }

    /// <summary>Chooses from the menu of projects.</summary>
    public async Task Choose(string item)
    {
        await Touch("Projects");
        await page.GetByRole(AriaRole.Menuitem, new() { Name = item }).ClickAsync();
    }

    public async Task Turn(string word, string weight)
    {
        var fader = page.GetByLabel($"Weight of {word}", new() { Exact = true });
        await fader.FillAsync(weight);
        await fader.DispatchEventAsync("change");
    }

    public async ValueTask DisposeAsync()
    {
        await context.DisposeAsync();
        if (own is not null)
            await own.DisposeAsync();
        Assert.Empty(complaints);
    }
}
