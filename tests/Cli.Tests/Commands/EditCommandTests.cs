using System.Text.Json;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;
using SkiaSharp;

namespace PromptToPrompt.Cli.Tests.Commands;

public sealed class EditCommandTests
{
    private static readonly string[] Fast = ["--steps", "2", "--size", "64x64"];

    [Fact]
    public void WritesImagesGridTraceAndRecord()
    {
        using var folder = new TemporaryFolder();
        var outcome = InProcess.Run([
            "edit", "a photo of a cat", "a photo of a (dog:1.5)", "a photo of a brown cat", "--blend", "cat,dog", "--json", "--device", "cpu",
            "--model", TinyModel.Shared.Folder, "-o", folder["out"], "--trace", folder["trace.safetensors"], .. Fast]);
        using var json = JsonDocument.Parse(outcome.Succeeded());
        Assert.Equal("", outcome.Error);
        Assert.Equal(2, json.RootElement.GetProperty("options").GetProperty("steps").GetInt32());
        Assert.All(json.RootElement.GetProperty("files").EnumerateArray(), file => Assert.True(File.Exists(file.GetString())));
        Assert.Equal(
            ["edit-1.png", "edit-2.png", "grid.png", "run.json", "source.png"],
            Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var source = SKBitmap.Decode(Path.Combine(folder["out"], "source.png"));
        Assert.Equal((64, 64), (source.Width, source.Height));
        using var grid = SKBitmap.Decode(Path.Combine(folder["out"], "grid.png"));
        Assert.True(grid.Width > 3 * 320, $"{grid.Width} pixels");
        using var trace = SafetensorsFile.Open(folder["trace.safetensors"]);
        Assert.Equal(3, trace.Tensors["latents"].Shape[0]);
        Assert.Equal(3, trace.Tensors["latents"].Shape[1]);
    }

    [Fact]
    public void AWeightAloneIsAnEditOfTheSameWords()
    {
        using var folder = new TemporaryFolder();
        InProcess.Run(["edit", "a red cat", "--weight", "red=2", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast]).Succeeded();
        Assert.NotEqual(Image.Load(Path.Combine(folder["out"], "source.png")).Rgb, Image.Load(Path.Combine(folder["out"], "edit-1.png")).Rgb);
    }

    [Fact]
    public void AFeatherDrawsTheEditOverItsSourceThroughTheMask()
    {
        using var folder = new TemporaryFolder();
        new Image(64, 64, [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => i / 3 % 64 < 32 ? byte.MaxValue : (byte)0)]).SavePng(folder["mask.png"]);
        string[] command = ["edit", "a cat", "a dog", "--cross-steps", "0", "--self-steps", "0", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast];
        InProcess.Run([.. command, "--mask", folder["mask.png"], "--feather", "16"]).Succeeded();
        var (source, edit) = (Image.Load(Path.Combine(folder["out"], "source.png")), Image.Load(Path.Combine(folder["out"], "edit-1.png")));
        Assert.NotEqual(source.Rgb, edit.Rgb);
        Assert.All(Enumerable.Range(0, edit.Rgb.Length).Where(i => i / 3 % 64 >= 32), i => Assert.Equal(source.Rgb[i], edit.Rgb[i]));

        Assert.StartsWith("p2p: --feather: It softens the edge of a mask", InProcess.Run([.. command, "--feather", "16"]).FailedWith(2), StringComparison.Ordinal);
        Assert.StartsWith("p2p: --feather: 2000 is out of range.", InProcess.Run([.. command, "--mask", folder["mask.png"], "--feather", "2000"]).FailedWith(2), StringComparison.Ordinal);
    }

    [Fact]
    public void SameCommandGivesSameImages()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in new[] { "first", "second" })
            InProcess.Run(["edit", "a cat", "a dog", "--seed", "7", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder[name], .. Fast]).Succeeded();
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder["first"], "edit-1.png")), File.ReadAllBytes(Path.Combine(folder["second"], "edit-1.png")));
    }

    [Fact]
    public void ARunThatOverwritesTakesTheEarlierOnesFilesAwayAndNoOthers()
    {
        using var folder = new TemporaryFolder();
        string Out(string name) => Path.Combine(folder["out"], name);
        InProcess.Run(["edit", "a cat", "a dog", "a horse", "a fox", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast]).Succeeded();
        File.Copy(Out("edit-1.png"), Out("mine.png"));
        InProcess.Run(["edit", "a cat", "a dog", "--overwrite", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"] + "/", .. Fast]).Succeeded();
        Assert.Equal(
            ["edit-1.png", "grid.png", "mine.png", "run.json", "source.png"],
            Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        File.WriteAllText(Out("run.json"), "{\"files\": [3, null, \"../mine.png\"]} and more");
        InProcess.Run(["generate", "a cat", "--overwrite", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast]).Succeeded();
        Assert.True(File.Exists(Out("mine.png")));
    }

    [Theory]
    [InlineData("--blend: \"zebra\"", "--blend", "zebra")]
    [InlineData("--blend: \"cat\" is not in the target prompt \"a dog\".", "--blend", "cat:cat")]
    [InlineData("--blend-subtract: \"zebra\" is not in the source prompt \"a cat\".", "--blend-subtract", "zebra:dog")]
    [InlineData("--weight: \"cat\" is not in the target prompt \"a dog\".", "--weight", "cat=2")]
    [InlineData("--cross-steps: \"zebra\" is not in the target prompt \"a dog\".", "--cross-steps", "zebra=0.5")]
    [InlineData("--subject: \"dog\" is not in the source prompt \"a cat\".", "--subject", "dog:dog", "--method", "masactrl")]
    [InlineData("--size: 63x64", "--size", "63x64")]
    [InlineData("2000", "--steps", "2e3")]
    [InlineData("--init-latents", "--init-latents", "no-such.safetensors")]
    [InlineData("--steps", "--steps", "0")]
    [InlineData("--guidance: -3 is out of range. Use a number from 0 to 100.", "--guidance", "-3")]
    [InlineData("--guidance: 100000 is out of range.", "--guidance", "1e5")]
    [InlineData("--guidance: \"NaN\" is not valid.", "--guidance", "NaN")]
    [InlineData("--guidance: \"1e999\" is not valid.", "--guidance", "1e999")]
    [InlineData("Give the image with --image, or use another editing method.", "--method", "ledits++")]
    [InlineData("Give the image to invert with --image, or use another editing method.", "--method", "virtual+infedit")]
    public void WrongInputNamesItAndWritesNothing(string expected, params string[] options)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(expected, InProcess.Run(["edit", "a cat", "a dog", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. options]).FailedWith(2));
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Fact]
    public void ConceptsAreOfferedOnlyBesideAPicture()
    {
        using var folder = new TemporaryFolder();
        Photograph.Draw(16, 16).SavePng(folder["photo.png"]);
        string[] edit = ["edit", Photograph.Prompt, "--method", "ledits++", "--model", TinyModel.Shared.Folder, "-o", folder["out"]];
        Assert.Contains("Add at least one target prompt. See", InProcess.Run(edit).FailedWith(2), StringComparison.Ordinal);
        Assert.Contains("or name with --concept", InProcess.Run([.. edit, "--image", folder["photo.png"]]).FailedWith(2), StringComparison.Ordinal);
    }

    [Fact]
    public void TheHeatMapsOfEditsWithTheSameConceptsDifferByTheirPrompts()
    {
        using var folder = new TemporaryFolder();
        Photograph.Draw(64, 64).SavePng(folder["photo.png"]);
        string[] edit =
        [
            "edit", Photograph.Prompt, "a red house in a field", "a house on a hill", "--image", folder["photo.png"], "--method", "ledits++", "--concept", "hat",
            "--steps", "3", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"],
        ];
        Assert.Contains("Give one target prompt, add --blend, or leave --concept out:", InProcess.Run(edit).FailedWith(2), StringComparison.Ordinal);
        InProcess.Run([.. edit, "--attention"]).Succeeded();
        Assert.True(File.Exists(Path.Combine(folder["out"], "attention.png")));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void CtrlCLeavesNothingBehind()
    {
        using var folder = new TemporaryFolder();
        // The warning of a prompt that is too long comes just before the run.
        var prompt = string.Concat(Enumerable.Repeat("cat ", 80));
        var outcome = P2P.RunAndInterruptAt("were cut off", "edit", prompt, "a dog", "--steps", "900", "--model", TinyModel.Shared.Folder, "-o", folder["out"]);
        Assert.Equal(130, outcome.ExitCode);
        var lines = outcome.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Contains("Stopped", lines[1]);
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Fact]
    public void NamesTruncatedWords()
    {
        using var folder = new TemporaryFolder();
        var outcome = InProcess.Run(["generate", string.Concat(Enumerable.Repeat("cat ", 75)) + "castle", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast]);
        outcome.Succeeded();
        Assert.Contains("castle", outcome.Error);
    }

    [Fact]
    public void NamesWordsThatTheEmbeddedModelDoesNotKnow()
    {
        using var folder = new TemporaryFolder();
        var outcome = InProcess.Run(["edit", "a cat in a field", "a Zebra, in a field", "--model", EmbeddedModel.Folder(), "-o", folder["out"], .. Fast]);
        outcome.Succeeded();
        Assert.EndsWith("mean nothing to it: Zebra", Assert.Single(outcome.Error.Split('\n'), line => line.StartsWith("note:", StringComparison.Ordinal)));
    }

    [Fact]
    public void PromptsThatLostTheirQuotesGetANote()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("put quotes around", InProcess.Run(["edit", "a", "cat", "in", "snow", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast]).Error);
        Assert.DoesNotContain("put quotes around", InProcess.Run(["edit", "cat", "dog", "fox", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast]).Error);
    }

    [Fact]
    public void AttentionWritesSheets()
    {
        using var folder = new TemporaryFolder();
        InProcess.Run(["attention", "a cat on a mat", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast]).Succeeded();
        Assert.Equal(
            ["attention-over-time.png", "attention.png", "grid.png", "run.json", "self-attention.png", "source.png"],
            Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AttentionSheetsOfEditsHaveARowForEachPrompt()
    {
        using var folder = new TemporaryFolder();
        InProcess.Run(["edit", "a cat", "a dog", "a big dog", "--attention", "--quiet", "--model", TinyModel.Shared.Folder, "-o", folder["out"], .. Fast]).Succeeded();
        using var average = SKBitmap.Decode(Path.Combine(folder["out"], "attention.png"));
        Assert.InRange(average.Width, 4 * 200, 5 * 200);
        Assert.InRange(average.Height, 3 * 200, 4 * 200);
        using var overTime = SKBitmap.Decode(Path.Combine(folder["out"], "attention-over-time.png"));
        Assert.InRange(overTime.Height, 7 * 150, 10 * 150);
    }

    [Fact]
    [Trait("Category", "Process")]
    public void EmbeddedModelIsFoundByName()
    {
        EmbeddedModel.Folder();
        using var folder = new TemporaryFolder();
        P2P.Run(["edit", "a red castle next to a river", "a blue castle next to a river", .. Fast, "-o", folder["out"]]).Succeeded();
    }
}
