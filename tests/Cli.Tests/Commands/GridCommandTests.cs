using System.Text.Json;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class GridCommandTests
{
    private static readonly string[] Fast = ["--steps", "2", "--size", "64x64", "--quiet", "--model", TinyModel.Shared.Folder];

    [Fact]
    public void EveryCellIsItsEditAndEverySeedHasItsSource()
    {
        using var folder = new TemporaryFolder();
        var grid = InProcess.Run(["grid", "a red cat", "a red dog", "--columns", "weight:red=0.5,2,-1", "--rows", "seed=1,2", "--json", "-o", folder["grid"], .. Fast]);
        using var json = JsonDocument.Parse(grid.Succeeded());
        string[] cells = [.. Enumerable.Range(1, 2).SelectMany(row => Enumerable.Range(1, 3).Select(column => $"row-{row}-column-{column}.png"))];
        Assert.Equal(
            ["grid.png", .. cells, "run.json", "source-1.png", "source-2.png"], Directory.GetFiles(folder["grid"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["red 0.5", "red 2", "red -1"], json.RootElement.GetProperty("columns").EnumerateArray().Select(label => label.GetString()));
        Assert.False(json.RootElement.GetProperty("options").TryGetProperty("seed", out _));

        InProcess.Run(["edit", "a red cat", "a red dog", "--weight", "red=2", "--seed", "2", "-o", folder["edit"], .. Fast]).Succeeded();
        Image Made(string name) => Image.Load(Path.Combine(folder["grid"], name));
        // One batch and a recorded source round differently.
        Assert.True(Made("row-2-column-2.png").Psnr(Image.Load(Path.Combine(folder["edit"], "edit-1.png"))) > 45);
        Assert.True(Made("source-2.png").Psnr(Image.Load(Path.Combine(folder["edit"], "source.png"))) > 45);
        Assert.All(cells.Where(cell => cell != "row-2-column-2.png"), cell => Assert.NotEqual(Made("row-2-column-2.png").Rgb, Made(cell).Rgb));

        // A source column and three edits.
        Assert.InRange(Made("grid.png").Width, 4 * 320, 5 * 320);
        Assert.Contains("identical to the recorded ones", InProcess.Run("run", folder["grid"], "-o", folder["again"]).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--columns: \"lora\" cannot vary in a grid.", "--columns", "lora=a,b")]
    [InlineData("--columns: \"size\" cannot vary in a grid.", "--columns", "size=64x64,128x128")]
    [InlineData("--rows: --seed is also given outside the grid.", "--rows", "seed=1,2", "--seed", "3")]
    [InlineData("--rows: \"seed\" is not valid. Use OPTION=VALUE", "--rows", "seed")]
    [InlineData("--rows: \"seed=1,,2\" is not valid.", "--rows", "seed=1,,2")]
    [InlineData("--seed: \"x\" is not valid.", "--columns", "seed=1,x")]
    [InlineData("--cross-steps: \"2\" is not a range of steps.", "--columns", "cross-steps=1,2")]
    [InlineData("--columns: Nothing varies.")]
    public void WhatCannotBeAnAxisIsRefused(string expected, params string[] axes)
    {
        using var folder = new TemporaryFolder();
        var outcome = InProcess.Run(["grid", "a cat", "a dog", "-o", folder["out"], "--model", TinyModel.Shared.Folder, .. axes]);
        Assert.StartsWith("p2p: " + expected, outcome.FailedWith(2), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Fact]
    public void TooManyCellsAreRefused()
    {
        var values = string.Join(',', Enumerable.Range(1, 21));
        Assert.Contains("The grid has 441 cells. Use at most 400.", InProcess.Run("grid", "a cat", "--columns", $"seed={values}", "--rows", $"edit-seed={values}").FailedWith(2), StringComparison.Ordinal);
    }
}
