using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Cli.Tests.Runs;

/// <summary>No run replaces the pictures of another one, unless it is told to.</summary>
public sealed class ImageFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Out => folder["out"];

    [Fact]
    public void AFreshFolderHasTheImagesAndTheRecord()
    {
        var written = Write("first", shade: 1);
        Assert.Equal(Out, written.Path);
        Assert.Null(written.Note);
        Assert.Equal(["edit-1.png", "run.json", "source.png"], Names(Out));
        var record = Record(Out);
        Assert.Equal(Out, (string?)record["folder"]);
        Assert.Equal(Names(Out), record["files"]!.AsArray().Select(file => Path.GetFileName((string)file!)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void OtherRunsGoToNumberedFolders()
    {
        Write("first", shade: 1);
        var before = Contents(Out);
        Assert.Equal(Path.Combine(Out, "2"), Write("second", shade: 2).Path);
        var third = Write("third", shade: 3);
        Assert.Equal(Path.Combine(Out, "3"), third.Path);
        Assert.Contains("--overwrite", third.Note, StringComparison.Ordinal);
        Assert.Equal(Path.Combine(Out, "3"), (string?)Record(Path.Combine(Out, "3"))["folder"]);
        Assert.Equal(before, Contents(Out));
    }

    [Fact]
    public void TheSameRunReplacesItsOwnFilesWhereverTheyAre()
    {
        Write("first", shade: 1);
        Write("second", shade: 2);
        Assert.Equal(Path.Combine(Out, "2"), Write("second", shade: 2).Path);
        Assert.Equal(Out, Write("first", shade: 1).Path);
        Assert.False(Directory.Exists(Path.Combine(Out, "3")));
    }

    [Theory]
    [InlineData("source.png", "someone's picture", false)]
    [InlineData("run.json", "not json", false)]
    [InlineData("run.json", "{\"run\": 3}", false)]
    [InlineData("run.json", "[]", false)]
    [InlineData("run.json", "{\"run\": \"first\", \"run\": \"first\"}", false)]
    [InlineData("run.json", "{\"run\": \"first\", \"files\": {\"a\": 1, \"a\": 1}}", false)]
    [InlineData("run.json", "{\"run\": \"\\ud800\"}", false)]
    [InlineData("notes.txt", "of the user, and a record called it a trace", false, "notes.txt")]
    [InlineData("holiday.png", "someone's picture", true)]
    [InlineData("edit-2.png", "of a longer run that was moved here", true)]
    public void WhatWasThereBeforeStays(string name, string content, bool isFree, string? trace = null)
    {
        Directory.CreateDirectory(Out);
        File.WriteAllText(Path.Combine(Out, name), content);
        Assert.Equal(isFree ? Out : Path.Combine(Out, "2"), Write("first", shade: 1, trace: trace).Path);
        Assert.Equal(content, File.ReadAllText(Path.Combine(Out, name)));
    }

    [Fact]
    public void AFileThatIsCalledLikeANumberedFolderIsPassedOver()
    {
        Write("first", shade: 1);
        File.WriteAllText(Path.Combine(Out, "2"), "");
        Assert.Equal(Path.Combine(Out, "3"), Write("second", shade: 2).Path);
    }

    [Fact]
    public void OverwritingReplacesTheWholeRunAndNothingElse()
    {
        Write("first", shade: 1, edits: 3);
        File.WriteAllText(Path.Combine(Out, "mine.png"), "");
        Assert.Equal(Out, Write("second", shade: 2, overwrites: true).Path);
        Assert.Equal(["edit-1.png", "mine.png", "run.json", "source.png"], Names(Out));
        Assert.Throws<InvalidInputException>(() => new ImageFolder(Out, overwrites: true, [Path.Combine(Out, "mine.png")]));
        // Without it nothing is replaced, so that a picture can be edited further where it lies.
        _ = new ImageFolder(Out, overwrites: false, [Path.Combine(Out, "mine.png")]);
    }

    [Fact]
    public void ImagesCarryTheirSettingsAndTheirRecord()
    {
        Write("first", shade: 7);
        var notes = ImageNotes.Read(Path.Combine(Out, "edit-1.png"));
        Assert.Equal("first", (string?)notes.Record!["run"]);
        Assert.Equal("edit-1.png", (string?)notes.Record["picture"]);
        Assert.Equal("picture 1", notes.Parameters!.Prompt);
        Assert.Equal(Shade(7).Rgb, Image.Load(Path.Combine(Out, "edit-1.png")).Rgb);
        // A given picture was not made so.
        Assert.Null(ImageNotes.Read(Path.Combine(Out, "source.png")).Parameters);
    }

    [Fact]
    public void ATraceReplacesAnEarlierOneAndNothingElse()
    {
        var path = folder["trace.safetensors"];
        new TraceFile(path, overwrites: false).RequireTrace();
        File.WriteAllBytes(path, []);
        new TraceFile(path, overwrites: false).RequireTrace();
        WriteTrace(path, "first");
        new TraceFile(path, overwrites: false).RequireTrace();
        File.WriteAllText(path, "notes of the user");
        Assert.Contains("--overwrite", Assert.Throws<InvalidInputException>(() => new TraceFile(path, overwrites: false).RequireTrace()).Message, StringComparison.Ordinal);
        new TraceFile(path, overwrites: true).RequireTrace();
        Assert.Throws<InvalidInputException>(() => new TraceFile(path, overwrites: true).Check([path]));
        Assert.Throws<InvalidInputException>(() => new TraceFile(folder["none/trace.safetensors"], overwrites: true).Check([]));
    }

    [Fact]
    public void APathIsShownInFullWhereTheCurrentDirectoryIsGone()
    {
        Assert.Equal(Path.Combine("a", "b.png"), RunFolder.Shortest(folder["a/b.png"], () => folder.Path));
        Assert.Equal(folder["b.png"], RunFolder.Shortest(folder["b.png"], () => folder["a"]));
        Assert.Equal(folder["b.png"], RunFolder.Shortest(folder["b.png"], () => throw new DirectoryNotFoundException()));
        Assert.Equal(folder["b.png"], RunFolder.Shortest(folder["b.png"], () => throw new FileNotFoundException()));
    }

    public void Dispose() => folder.Dispose();

    private static void WriteTrace(string path, string run) => SafetensorsWriter.Write(path, [], TraceFile.Metadata(run));

    private ImageFolder Write(string run, byte shade, int edits = 1, bool overwrites = false, string? trace = null)
    {
        var written = new ImageFolder(Out, overwrites, []);
        written.Add("source.png", Shade(0), null);
        for (var edit = 1; edit <= edits; edit++)
            written.Add($"edit-{edit}.png", Shade(shade), edit);
        written.Finish(
            new JsonObject { ["run"] = run }, row => new GenerationParameters($"picture {row}", "", [new("Steps", "3"), new("Seed", "4"), new("Size", "2x2")]),
            trace is null ? null : (trace, path => File.WriteAllText(path, run)));
        return written;
    }

    private static Image Shade(byte shade) => new(2, 2, [.. Enumerable.Repeat(shade, 12)]);

    private static JsonObject Record(string path) => JsonNode.Parse(File.ReadAllText(Path.Combine(path, "run.json")))!.AsObject();

    private static IEnumerable<string> Names(string path) => Directory.GetFiles(path).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal);

    private static Dictionary<string, string> Contents(string path) => Directory.GetFiles(path).ToDictionary(file => file, file => Convert.ToHexString(File.ReadAllBytes(file)));
}
