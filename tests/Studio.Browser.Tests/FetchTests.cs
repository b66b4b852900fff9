using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PromptToPrompt.Studio.Browser.Tests;

[Trait("Category", "Browser")]
public sealed class FetchTests(StudioBrowser browser)
{
    [Fact]
    public async Task AModelIsFetchedAndChosen()
    {
        await using var fetched = new FetchedModels();
        await using var studio = await fetched.Studio();
        await using var visitor = await browser.Visit(studio.Address);
        await visitor.Touch("Fetch a model");
        var name = visitor.Page.GetByLabel("Name on the hub");
        await name.FillAsync("owner/missing");
        await visitor.Touch("Fetch");
        await Expect(visitor.Alert).ToContainTextAsync("has no model owner/missing (404). Check the name.");
        await name.FillAsync(FetchedModels.Model);
        await name.PressAsync("Enter");
        await Expect(visitor.Page.GetByRole(AriaRole.Combobox, new() { Name = "Model" })).ToHaveValueAsync("model");
        await Expect(visitor.Alert).ToHaveCountAsync(0);
        await visitor.Touch("Draw with these settings");
        await visitor.Pictures(2);
    }

    [Fact]
    public async Task AVariantIsChosenAndTheModelRemoved()
    {
        await using var fetched = new FetchedModels();
        fetched.AddVariant("fp16");
        await using var studio = await fetched.Studio();
        await using var visitor = await browser.Visit(studio.Address);
        var model = visitor.Page.GetByRole(AriaRole.Combobox, new() { Name = "Model" });
        await visitor.Touch("Fetch a model");
        await visitor.Page.GetByLabel("Name on the hub").FillAsync(FetchedModels.Model);
        await visitor.Page.GetByRole(AriaRole.Combobox, new() { Name = "Weights" }).ClickAsync();
        await visitor.Page.GetByRole(AriaRole.Option, new() { Name = "fp16" }).ClickAsync();
        await visitor.Touch("Fetch");
        await Expect(model).ToHaveValueAsync("model");
        Assert.NotEmpty(fetched.Hub.Fetches("unet/diffusion_pytorch_model.fp16.safetensors"));
        await visitor.Touch($"Remove {FetchedModels.Model}");
        await Expect(visitor.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync(new Regex(@"\d [kMG]B are deleted from the Hugging Face cache"));
        await visitor.Touch("Remove");
        await Expect(visitor.Page.Locator(".mud-snackbar")).ToContainTextAsync(new Regex(@"owner/model removed, \d+ [kMG]B freed"));
        await Expect(model).ToHaveValueAsync("storybook");
        Assert.True(fetched.CachedBytes < 1000);
    }
}
