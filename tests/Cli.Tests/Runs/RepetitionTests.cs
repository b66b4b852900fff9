using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;

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
        ["edit", "--output", "there", "--image", folder["cat.png"], "--negative=-o x", "--", "a cat", "--trace"],
        Repetition.Read(Written(Record())).Arguments("--output", "there"));

    [Fact]
    public void APictureAndAFolderAreAsGoodAsTheRecord()
    {
        var record = Record();
        new Picture(1, 1, new byte[3]).SavePng(folder["made.png"], new PngText(PngText.RecordKeyword, record.ToJsonString()));
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
        Assert.Matches("cat.png.*not there", Refused(record));
    }

    [Fact]
    public void WhatWasMovedTogetherIsFound()
    {
        Written(Record());
        Directory.CreateDirectory(folder["moved"]);
        foreach (var name in new[] { "cat.png", "run.json" })
            File.Move(folder[name], folder[$"moved/{name}"]);
        Directory.Delete(folder["model"]);
        var arguments = Repetition.Read(folder["moved"]).Arguments();
        Assert.Contains(folder["moved/cat.png"], arguments);
        Assert.DoesNotContain(folder["cat.png"], arguments);
    }

    [Fact]
    public void AModelThatWentIsLookedForByItsName()
    {
        var record = Record();
        record["repeat"] = new JsonArray("generate", "--model", folder["model"], "--", "a cat");
        var path = Written(record);
        Assert.Contains(folder["model"], Repetition.Read(path).Arguments());
        Directory.Delete(folder["model"]);
        Assert.Contains("storybook", Repetition.Read(path).Arguments());
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
    [InlineData]
    public void ARecordThatWouldDoSomethingElseIsRefused(params string[] repeat)
    {
        var record = Record();
        record["repeat"] = new JsonArray([.. repeat.Select(part => (JsonNode)part)]);
        Assert.Contains("run.json", Refused(Written(record)), StringComparison.Ordinal);
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
    [InlineData("{\"repeat\":[null]}")]
    [InlineData("{\"repeat\":\"edit\"}")]
    [InlineData("{\"repeat\":[\"edit\"],\"inputs\":[{\"path\":3}],\"version\":{}}", true)]
    public void WhatIsNoRecordIsRefusedInOneLine(string text, bool isRecord = false)
    {
        File.WriteAllText(folder["run.json"], text);
        if (isRecord)
            Assert.Equal(["edit"], Repetition.Read(folder["run.json"]).Arguments());
        else
            Refused(folder["run.json"]);
        Refused(folder["none.json"]);
        new Picture(1, 1, new byte[3]).SavePng(folder["plain.png"]);
        Assert.Contains("does not carry", Refused(folder["plain.png"]), StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    private static string Refused(string path)
    {
        var message = Assert.Throws<InvalidInputException>(() => Repetition.Read(path)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private JsonObject Record() => new()
    {
        ["command"] = "edit",
        ["version"] = RunRecord.Version,
        ["repeat"] = new JsonArray("edit", "--image", folder["cat.png"], "--negative=-o x", "--", "a cat", "--trace"),
        ["inputs"] = new JsonArray(new JsonObject { ["path"] = folder["cat.png"], ["sha256"] = RunRecord.HashOf(folder["cat.png"]) }),
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
