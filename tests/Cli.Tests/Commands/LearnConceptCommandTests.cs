using System.Text.Json;
using SkiaSharp;

namespace PromptToPrompt.Cli.Tests.Commands;

[Trait("Category", "Slow")]
public sealed class LearnConceptCommandTests : IDisposable
{
    private static readonly string[] Model = ["--model", TinyModel.Shared.Folder];
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void ALearnedWordIsUsedAsTheCommandSays()
    {
        File.WriteAllText(folder["captions.txt"], "pink.png: a {} in a field\n");
        var learned = Learn("my-cat.safetensors", "--steps", "2", "--sample-every", "1", "--sample-count", "1", "--caption", folder["captions.txt"], "--flip", "--json", "--quiet");
        using var facts = JsonDocument.Parse(learned.Succeeded());
        Assert.Equal(2, facts.RootElement.GetProperty("steps").GetInt32());
        Assert.StartsWith("p2p generate \"a <my-cat>\" --embedding", facts.RootElement.GetProperty("use").GetString());
        Assert.True(facts.RootElement.GetProperty("heldOutLoss").GetProperty("initial").GetDouble() > 0);
        Assert.Equal(
            ["my-cat.safetensors", "my-cat.samples-000001.png", "my-cat.samples.png"],
            facts.RootElement.GetProperty("files").EnumerateArray().Select(file => Path.GetFileName(file.GetString())));
        using (var sheet = SKBitmap.Decode(folder["my-cat.samples.png"]))
            Assert.Equal(828, sheet.Width);

        // Swapped in for the word it began as, weighted, and watched.
        var edit = InProcess.Run(["edit", "a cat in a field", "a <my-cat> in a field", "--weight", "<my-cat>=2", "--blend", "cat:<my-cat>", "--attention", "--steps", "3",
            "--embedding", folder["my-cat.safetensors"], "-o", folder["out"], .. Model]);
        edit.Succeeded();
        Assert.DoesNotContain("mean nothing", edit.Error);
        Assert.True(File.Exists(Path.Combine(folder["out"], "edit-1.png")) && File.Exists(Path.Combine(folder["out"], "attention.png")));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void AStoppedTrainingGoesOn()
    {
        string[] forever = ["--steps", "100000", "--sample-count", "0"];
        var stopped = P2P.RunAndInterruptAt("learning <my-cat>: 1 of", Arguments("my-cat.safetensors", forever));
        Assert.Equal(130, stopped.ExitCode);
        Assert.Contains("to resume", stopped.Error);
        Assert.Contains("device: ", stopped.Error);
        Assert.False(File.Exists(folder["my-cat.safetensors"]));

        // With another seed it is another training.
        File.Copy(folder["my-cat.safetensors.unfinished"], folder["other.safetensors.unfinished"]);
        var other = Learn("other.safetensors", "--steps", "1", "--seed", "1", "--sample-count", "0", "--save-memory", "true");
        other.Succeeded();
        Assert.Contains("starts from the beginning", other.Error);

        var finished = Learn("my-cat.safetensors", "--steps", "1", "--sample-count", "0");
        Assert.Contains("as <my-cat>", finished.Succeeded());
        Assert.Contains("Resuming after", finished.Error);
        Assert.True(File.Exists(folder["my-cat.safetensors"]));
        Assert.Equal(["my-cat.safetensors"], Directory.GetFiles(folder.Path, "my-cat*").Select(Path.GetFileName));
    }

    // The state is there as soon as the sheet is begun.
    [Fact]
    [Trait("Category", "Process")]
    public void AStopWhileASheetIsDrawnLosesNothing()
    {
        var (word, unfinished) = (folder["my-cat.safetensors"], folder["my-cat.safetensors.unfinished"]);
        var stopped = P2P.RunAndInterruptAtFile(unfinished, Arguments("my-cat.safetensors", ["--steps", "2", "--sample-every", "1", "--sample-count", "16"]));
        Assert.Equal(130, stopped.ExitCode);
        Assert.Contains("to resume", stopped.Error);

        stopped = P2P.RunAndInterruptAtFile(word, Arguments("my-cat.safetensors", ["--steps", "2", "--sample-every", "0", "--sample-count", "16"]));
        Assert.Equal(130, stopped.ExitCode);
        Assert.Contains("Resuming after 1 steps", stopped.Error);
        Assert.Contains($"is saved in {word}", stopped.Error);
        Assert.Equal(["my-cat.safetensors"], Directory.GetFiles(folder.Path, "my-cat*").Select(Path.GetFileName));
    }

    [Fact]
    public void AWordThatTheLastStepBrokeIsNotSaved()
    {
        Assert.Contains("lower learning rate", Learn("my-cat.safetensors", "--steps", "1", "--learning-rate", "1e30", "--quiet").FailedWith(2));
        Assert.False(File.Exists(folder["my-cat.safetensors"]));
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedBeforeTheWork()
    {
        File.WriteAllText(folder["broken.png"], "no picture");
        File.WriteAllText(folder["templates.txt"], "a cat in a field");
        File.WriteAllText(folder["captions.txt"], "blue.png: a {}");
        string[] from = ["learn-concept", Draw("pink.png"), "-o", folder["x.safetensors"], .. Model], learn = [.. from, "--word", "<my-cat>", "--init", "cat"];
        Refused("broken.png", ["learn-concept", folder["broken.png"], .. learn[2..]]);
        Refused("none.png", ["learn-concept", folder["none.png"], .. learn[2..]]);
        Refused("Required argument", ["learn-concept", .. learn[2..]]);
        Refused("--word: The model already has the word dog.", [.. from, "--word", "dog", "--init", "cat"]);
        Refused("--init: \"zebra\" has 5 tokens", [.. from, "--word", "<my-cat>", "--init", "zebra"]);
        Refused("templates.txt: \"a cat in a field\" has no place", [.. learn, "--templates", folder["templates.txt"]]);
        Refused("cannot be read", [.. learn, "--templates", folder["none.txt"]]);
        Refused("caption for blue.png", [.. learn, "--caption", folder["captions.txt"]]);
        Refused("does not end in .safetensors", [.. learn[..2], "-o", folder["x.pt"], .. learn[4..]]);
        Refused("--sample: \"a cat\"", [.. learn, "--sample", "a cat"]);
        Assert.False(File.Exists(folder["x.safetensors"]));

        void Refused(string reason, string[] arguments) => Assert.Contains(reason, InProcess.Run(arguments).FailedWith(2));
    }

    public void Dispose() => folder.Dispose();

    private Outcome Learn(string output, params string[] options) => InProcess.Run(Arguments(output, options));

    private string[] Arguments(string output, string[] options) =>
        ["learn-concept", Draw("pink.png"), "--word", "<my-cat>", "--init", "cat", "--batch", "2", "-o", folder[output], .. Model, .. options];

    private string Draw(string name)
    {
        using var bitmap = new SKBitmap(160, 128);
        using var canvas = new SKCanvas(bitmap);
        using var pink = new SKPaint { Color = SKColors.HotPink };
        canvas.Clear(SKColors.ForestGreen);
        canvas.DrawCircle(80, 64, 40, pink);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(folder[name], data.ToArray());
        return folder[name];
    }
}
