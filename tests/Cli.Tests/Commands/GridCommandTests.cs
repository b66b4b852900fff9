using System.Text.Json;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Commands;

[Trait("Category", "Slow")]
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
    [InlineData("--columns seed=x: \"x\" is not valid.", "--columns", "seed=1,x")]
    [InlineData("--columns cross-steps=2: \"2\" is not a range of steps.", "--columns", "cross-steps=1,2")]
    [InlineData("--columns weight:cat=x: ", "--columns", "weight:cat=2,x")]
    [InlineData("--columns weight:blue=1,2: \"blue\" is not in the target prompt ", "--columns", "weight:blue=1,2")]
    [InlineData("--rows weight:blue=1,2: \"blue\" is not in the target prompt ", "--rows", "weight:blue=1,2", "--columns", "weight:dog=1,2")]
    [InlineData("--columns cross-steps:blue=0,0.1..0.4: \"blue\" is not in the target prompt ", "--columns", "cross-steps:blue=0,0.1..0.4")]
    [InlineData("--columns: weight=1,2 does not say which word has the weight. Write it like weight:red=0,1,2.", "--columns", "weight=1,2")]
    [InlineData("--columns: \"guidance\" is not for a single word. Write guidance=1,2.", "--columns", "guidance:dog=1,2")]
    [InlineData("--columns self-unconditional=1: \"1\" is not valid. Use true or false.", "--columns", "self-unconditional=1,true")]
    [InlineData("--columns method=uni-edit: uni-edit edits an inverted image, and there is none. Give the image with --image, or use another editing method.", "--columns", "method=p2p,uni-edit")]
    [InlineData("--columns: Nothing varies.")]
    public void WhatCannotBeAnAxisIsRefused(string expected, params string[] axes)
    {
        using var folder = new TemporaryFolder();
        var outcome = InProcess.Run(["grid", "a cat", "a dog", "-o", folder["out"], "--model", TinyModel.Shared.Folder, .. axes]);
        Assert.StartsWith("p2p: " + expected, outcome.FailedWith(2), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void AGridThatDoesNotFitNamesTheAxisBecauseOfWhich()
    {
        using var folder = new TemporaryFolder();
        var outcome = P2P.RunIn(new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0x3000000" }, [
            "grid", "a cat in a meadow", "a big cat in a meadow", "--method", "masactrl", "--columns", "subject=cat,meadow", "--steps", "2", "--size", "192x192", "--quiet",
            "--model", EmbeddedModel.Folder(), "-o", folder["out"]]);
        Assert.EndsWith("Or leave --columns subject out: the rows of a step can then be computed one after another, which fits.", outcome.FailedWith(2), StringComparison.Ordinal);
    }

    [Fact]
    public void AGivenImageIsInvertedOnceAndItsCellsAreItsEdits()
    {
        using var folder = new TemporaryFolder();
        var photo = Photograph.Draw(160, 120);
        photo.SavePng(folder["photo.png"]);
        string[] sampling = ["--method", "direct", "--steps", "2", "--quiet", "--model", TinyModel.Shared.Folder];
        string[] grid = ["grid", Photograph.Prompt, "a red house in a field", "--columns", "cross-steps=0,0.8", "--image", folder["photo.png"], "--frame", "fit", "-o", folder["grid"]];
        using var json = JsonDocument.Parse(InProcess.Run([.. grid, "--json", .. sampling]).Succeeded());
        Assert.Equal(JsonValueKind.Number, json.RootElement.GetProperty("inversion").GetProperty("psnr").ValueKind);
        Assert.Equal(
            ["grid.png", "row-1-column-1.png", "row-1-column-2.png", "run.json", "source.png"], Directory.GetFiles(folder["grid"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Image Made(string name) => Image.Load(Path.Combine(folder["grid"], name));
        Assert.Equal(photo.Rgb, Made("source.png").Rgb);
        Assert.All([Made("row-1-column-1.png"), Made("row-1-column-2.png")], cell => Assert.Equal(photo.Size, cell.Size));

        InProcess.Run([
            "edit", Photograph.Prompt, "a red house in a field", "--cross-steps", "0", "--image", folder["photo.png"], "--frame", "fit", "-o", folder["edit"], .. sampling]).Succeeded();
        Assert.True(Made("row-1-column-1.png").Psnr(Image.Load(Path.Combine(folder["edit"], "edit-1.png"))) > 40);
        Assert.Contains("identical to the recorded ones", InProcess.Run("run", folder["grid"], "-o", folder["again"]).Error, StringComparison.Ordinal);

        InProcess.Run(["invert", folder["photo.png"], Photograph.Prompt, "--no-comparison", "--frame", "fit", "-o", folder["photo.safetensors"], .. sampling]).Succeeded();
        InProcess.Run([
            "grid", "a red house in a field", "--columns", "cross-steps=0,0.8", "--inversion", folder["photo.safetensors"], "-o", folder["saved"], "--quiet", "--model", TinyModel.Shared.Folder]).Succeeded();
        Assert.Equal(Made("row-1-column-2.png").Rgb, Image.Load(Path.Combine(folder["saved"], "row-1-column-2.png")).Rgb);
    }

    [Theory]
    [InlineData("--rows: \"seed\" cannot vary in a grid of a given image", "--image", "photo.png", "--rows", "seed=1,2")]
    [InlineData("--columns: \"steps\" cannot vary in a grid of a given image", "--image", "photo.png", "--columns", "steps=1,2")]
    [InlineData("--columns: \"scheduler\" cannot vary in a grid of a given image", "--image", "photo.png", "--columns", "scheduler=ddim,euler")]
    [InlineData("--image: It cannot be combined with --inversion.", "--image", "photo.png", "--inversion", "photo.safetensors", "--rows", "self-steps=0,1")]
    [InlineData("--inversion: The file has the source prompt.", "--inversion", "photo.safetensors", "--rows", "self-steps=0,1")]
    [InlineData("--method: direct is an inversion method, and there is no --image.", "--method", "direct", "--rows", "self-steps=0,1")]
    public void WhatDoesNotFitAGivenImageIsRefused(string expected, params string[] options)
    {
        using var folder = new TemporaryFolder();
        Photograph.Draw(16, 16).SavePng(folder["photo.png"]);
        var outcome = InProcess.Run(["grid", "a cat", "a dog", "-o", folder["out"], "--model", TinyModel.Shared.Folder, .. options.Select(option => option.StartsWith("photo", StringComparison.Ordinal) ? folder[option] : option)]);
        Assert.StartsWith("p2p: " + expected, outcome.FailedWith(2), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Fact]
    public void ACellThatFailsLeavesItsPlaceEmpty()
    {
        using var folder = new TemporaryFolder();
        var (fits, doesNot) = (Mask("fits.png", 64, 64), Mask("wide.png", 64, 16));
        var grid = InProcess.Run(["grid", "a red cat", "a red dog", "--columns", $"mask={fits},{doesNot}", "--rows", "seed=1,2", "-o", folder["grid"], .. Fast]);
        Assert.Equal(1, grid.ExitCode);
        Assert.Equal(2, grid.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Count(line => line.Contains("column-2.png: ", StringComparison.Ordinal)));
        Assert.Equal(
            ["grid.png", "row-1-column-1.png", "row-2-column-1.png", "run.json", "source-1.png", "source-2.png"],
            Directory.GetFiles(folder["grid"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var record = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder["grid"], "run.json")));
        Assert.Equal(["row-1-column-2.png", "row-2-column-2.png"], record.RootElement.GetProperty("missing").EnumerateArray().Select(name => name.GetString()));

        // Without any cell there is nothing to write.
        var none = InProcess.Run(["grid", "a red cat", "a red dog", "--columns", $"mask={doesNot}", "-o", folder["none"], .. Fast]);
        Assert.Contains("64x16", none.FailedWith(2), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["none"]));

        string Mask(string name, int width, int height)
        {
            new Image(width, height, [.. Enumerable.Repeat(byte.MaxValue, width * height * 3)]).SavePng(folder[name]);
            return folder[name];
        }
    }

    [Fact]
    [Trait("Category", "Process")]
    public void CtrlCKeepsTheFinishedCells()
    {
        using var folder = new TemporaryFolder();
        var seeds = string.Join(',', Enumerable.Range(1, 100));
        var first = Path.Combine(folder["grid"], "row-1-column-1.png");
        var outcome = P2P.RunAndInterruptAtFile(
            first, "grid", "a cat", "a dog", "--columns", "cross-steps=0.4,0.8", "--rows", $"seed={seeds}", "--steps", "10", "--size", "64x64", "--model", EmbeddedModel.Folder(), "-o", folder["grid"]);
        Assert.Equal(130, outcome.ExitCode);
        Assert.Contains(" of 200 cells are finished", outcome.Error, StringComparison.Ordinal);
        string[] files = [.. Directory.GetFiles(folder["grid"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        Assert.Contains("grid.png", files);
        using var record = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder["grid"], "run.json")));
        Assert.Equal(files, record.RootElement.GetProperty("files").EnumerateArray().Select(path => Path.GetFileName(path.GetString()!)).Order(StringComparer.Ordinal));
        var cells = files.Count(name => name.StartsWith("row-", StringComparison.Ordinal));
        Assert.Equal(200, cells + record.RootElement.GetProperty("missing").GetArrayLength());
        Assert.True(Image.Load(first).Width == 64);
    }

    [Fact]
    public void TooManyCellsAreRefused()
    {
        var values = string.Join(',', Enumerable.Range(1, 21));
        Assert.Contains("The grid has 441 cells. Use at most 400.", InProcess.Run("grid", "a cat", "--columns", $"seed={values}", "--rows", $"edit-seed={values}").FailedWith(2), StringComparison.Ordinal);
    }
}
