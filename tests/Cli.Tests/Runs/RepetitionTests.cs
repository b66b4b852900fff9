using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Cli.Tests.Runs;

/// <summary>What of a record is repeated, and what is refused in a sentence.</summary>
public sealed class RepetitionTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public RepetitionTests()
    {
        File.WriteAllText(folder["cat.png"], "a cat");
        Directory.CreateDirectory(folder["model"]);
    }

    [Fact]
    public void TheCommandLineIsTheRecordedOne() => Assert.Equal(
        ["edit", "--output", "there", "--image", folder["cat.png"], "--negative", "-o x", "--", "a cat", "--trace"],
        Arguments(Written(Record()), "--output", "there"));

    [Fact]
    public void AnImageAndAFolderAreAsGoodAsTheRecord()
    {
        var record = Record();
        new Image(1, 1, new byte[3]).SavePng(folder["made.png"], new PngText(PngText.RecordKeyword, record.ToJsonString()));
        Assert.Equal("t.safetensors", Repetition.Read(folder["made.png"]).Trace);
        Written(record);
        Assert.Equal("t.safetensors", Repetition.Read(folder.Path).Trace);
    }

    [Fact]
    public void AnInputThatChangedOrWentIsNamed()
    {
        var record = Written(Record());
        File.WriteAllText(folder["cat.png"], "a dog");
        Assert.Matches("cat.png.*changed", Refused(record));
        File.Delete(folder["cat.png"]);
        Assert.Matches("cat.png.*missing", Refused(record));
    }

    [Fact]
    public void WhatWasMovedTogetherIsFound()
    {
        Written(Record());
        Directory.CreateDirectory(folder["moved"]);
        foreach (var name in new[] { "cat.png", "run.json" })
            File.Move(folder[name], folder[$"moved/{name}"]);
        Directory.Delete(folder["model"]);
        var arguments = Arguments(folder["moved"]);
        Assert.Contains(folder["moved/cat.png"], arguments);
        Assert.DoesNotContain(folder["cat.png"], arguments);
    }

    [Fact]
    public void AModelThatWentIsLookedForByItsName()
    {
        var record = Record();
        record["repeat"] = new JsonArray("generate", "--model", folder["model"], "--", "a cat");
        var path = Written(record);
        Assert.Contains(folder["model"], Arguments(path));
        Directory.Delete(folder["model"]);
        Assert.Contains("storybook", Arguments(path));
    }

    // Nothing else that a command line says changes with its files.
    [Fact]
    public void OnlyWholeNamesOfFilesAreReplaced()
    {
        Directory.CreateDirectory(folder["moved"]);
        string[] names = ["cat.png", "cat.png.safetensors", "word.pt"];
        foreach (var name in names)
            File.WriteAllText(folder[$"moved/{name}"], name);
        var record = Record();
        record["repeat"] = new JsonArray(
            "edit", "--image", folder["cat.png"], "--lora", folder["cat.png.safetensors:0.5"], "--embedding", $"w={folder["word.pt"]}", "--negative", folder["cat.png"],
            "--mask", folder["cat.png.mask"], "--model", folder["model"], "--", folder["cat.png"], $"a {folder["model"]} cat");
        record["inputs"] = new JsonArray([.. names.Zip(["--image", "--lora", "--embedding"], (name, option) =>
            new JsonObject { ["path"] = folder[name], ["option"] = option, ["sha256"] = RunRecord.HashOf(folder[$"moved/{name}"]) })]);
        Written(record);
        foreach (var name in new[] { "run.json", "model" })
            Directory.Move(folder[name], folder[$"moved/{name}"]);
        File.Delete(folder["cat.png"]);
        Assert.Equal(
            [
                "edit", "--image", folder["moved/cat.png"], "--lora", folder["moved/cat.png.safetensors:0.5"], "--embedding", $"w={folder["moved/word.pt"]}",
                "--negative", folder["cat.png"], "--mask", folder["cat.png.mask"], "--model", "storybook", "--", folder["cat.png"], $"a {folder["model"]} cat",
            ],
            Arguments(folder["moved"]));
    }

    [Fact]
    public void ImagesThatAreArgumentsAreFound()
    {
        Directory.CreateDirectory(folder["moved"]);
        var record = Record();
        record["repeat"] = new JsonArray("invert", "--", folder["cat.png"], folder["cat.png"]);
        record["inputs"]![0]!["option"] = "image";
        File.Move(Written(record), folder["moved/run.json"]);
        File.Move(folder["cat.png"], folder["moved/cat.png"]);
        Assert.Equal(["invert", "--", folder["moved/cat.png"], folder["cat.png"]], Arguments(folder["moved"]));
    }

    // A record may come from anywhere: it makes pictures where the user says, and does nothing else.
    [Theory]
    [InlineData("serve", "--host", "0.0.0.0")]
    [InlineData("models", "remove", "storybook")]
    [InlineData("train")]
    [InlineData("generate", "--output", "/etc", "--", "a cat")]
    [InlineData("generate", "--output=/etc", "--", "a cat")]
    [InlineData("generate", "--output:/etc", "--", "a cat")]
    [InlineData("generate", "-o", "/etc", "--", "a cat")]
    [InlineData("generate", "--trace", "/etc/passwd", "--", "a cat")]
    [InlineData("generate", "--overwrite", "--", "a cat")]
    [InlineData("generate", "-o/etc", "--", "a cat")]
    [InlineData("generate", "-o=/etc", "--", "a cat")]
    [InlineData("generate", "a cat", "--overwrite")]
    [InlineData("generate", "--seed", "1", "--overwrite=true", "a cat")]
    [InlineData("edit", "a cat", "--trace=/etc/passwd", "a dog")]
    [InlineData]
    public void ARecordThatWouldDoSomethingElseIsRefused(params string[] repeat)
    {
        var record = Record();
        record["repeat"] = new JsonArray([.. repeat.Select(part => (JsonNode)part)]);
        Assert.Contains("run.json", Refused(Written(record)), StringComparison.Ordinal);
    }

    // What is made of the rest of the record must not become an option either.
    [Theory]
    [InlineData("@@", "--", "@@trace=/etc/passwd", "@@overwrite", "--", "x")]
    [InlineData("x", "--trace=/etc/passwd", "x", "--", "x")]
    [InlineData("--model", "--trace", "--model", "--model", "--", "x")]
    [InlineData("m", "--trace=/etc/passwd", "--model", "m", "--", "x")]
    [InlineData("m", "-o/etc", "--model=m", "--", "x")]
    public void TextOfARecordIsNeverAnOption(string model, string name, params string[] repeat)
    {
        var record = Record();
        (record["model"], record["modelName"]) = (model, name);
        record["repeat"] = new JsonArray(["generate", .. repeat.Select(part => (JsonNode)part)]);
        var path = Written(record);
        ParseResult parse;
        try
        {
            parse = Parsed(path, "--output", "there");
        }
        catch (InvalidInputException)
        {
            return;
        }

        Assert.Empty(parse.Errors);
        Assert.Equal("there", parse.GetValue<string>("--output"));
        Assert.Null(parse.GetValue<string?>("--trace"));
        Assert.False(parse.GetValue<bool>("--overwrite"));
    }

    [Theory]
    [InlineData("../up.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("")]
    public void ATraceIsWrittenToTheFolderAlone(string name)
    {
        var record = Record();
        (record["trace"], record["output"]) = (name, name);
        var read = Repetition.Read(Written(record));
        Assert.True(read.Trace is null && read.Output is null);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("nothing of the kind")]
    [InlineData("")]
    [InlineData("{\"repeat\":[3]}")]
    [InlineData("{\"repeat\":[\"generate\",\"--\",\"x\"],\"run\":1,\"run\":1}")]
    [InlineData("{\"repeat\":[\"generate\",\"--\",\"x\"],\"run\":\"\\ud800\"}")]
    [InlineData("{\"repeat\":[null]}")]
    [InlineData("{\"repeat\":\"edit\"}")]
    [InlineData("{\"repeat\":[\"edit\"]}")]
    [InlineData("{\"repeat\":[\"edit\"],\"inputs\":[{\"path\":3}],\"version\":{}}", true)]
    public void WhatIsNoRecordIsRefusedInOneLine(string text, bool isRecord = false)
    {
        File.WriteAllText(folder["run.json"], text);
        if (isRecord)
            Assert.Null(Repetition.Read(folder["run.json"]).Trace);
        else
            Refused(folder["run.json"]);
        Refused(folder["none.json"]);
        new Image(1, 1, new byte[3]).SavePng(folder["plain.png"]);
        Assert.Contains("does not contain", Refused(folder["plain.png"]), StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    private static string[] Arguments(string path, params string[] reporting) => [.. Parsed(path, reporting).Tokens.Select(token => token.Value)];

    private static ParseResult Parsed(string path, params string[] reporting)
    {
        var repetition = Repetition.Read(path);
        return repetition.Parse(CommandLine.Create(CancellationToken.None, repetition), reporting);
    }

    private static string Refused(string path)
    {
        var message = Assert.Throws<InvalidInputException>(() => Parsed(path)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private JsonObject Record() => new()
    {
        ["command"] = "edit",
        ["version"] = RunRecord.Version,
        ["repeat"] = new JsonArray("edit", "--image", folder["cat.png"], "--negative=-o x", "--", "a cat", "--trace"),
        ["inputs"] = new JsonArray(new JsonObject { ["path"] = folder["cat.png"], ["option"] = "--image", ["sha256"] = RunRecord.HashOf(folder["cat.png"]) }),
        ["model"] = folder["model"],
        ["modelName"] = "storybook",
        ["trace"] = "t.safetensors",
    };

    private string Written(JsonObject record)
    {
        File.WriteAllText(folder["run.json"], record.ToJsonString());
        return folder["run.json"];
    }
}
