using System.Text.Json;

namespace PromptToPrompt.Batch.Tests.Commands;

/// <summary>The command as a process of its own, which is killed, stopped and started again.</summary>
[Trait("Category", "Process")]
public sealed class BatchCommandTests : IDisposable
{
    private static readonly string[] Plan =
    [
        """{"source": "a white house in a field", "target": ["a red house in a field", "a white castle in a field"]}""",
        """{"source": "a cat in the snow", "target": "a dog in the snow", "self": [0.1, 0.9]}""",
        """{"source": "a red car in the city", "target": "a blue car in the city"}""",
        """{"source": "a boat on the lake", "target": "a boat on the lake at night"}""",
        """{"source": "a dog in a field", "target": "a cat in a field"}""",
        """{"source": "a house by the lake", "target": "a castle by the lake", "guidance": [3, 9]}""",
    ];

    private readonly TemporaryFolder folder = new();

    public BatchCommandTests() => File.WriteAllLines(folder["plan.jsonl"], Plan);

    [Fact]
    public void ARunThatIsKilledTwiceGivesTheSameBytes()
    {
        Assert.Contains("6 items, 7 of 7 pairs kept", P2P.Run(Arguments("whole")).Succeeded(), StringComparison.Ordinal);
        Assert.NotEqual(0, P2P.RunAndKillAtFile(folder["killed/unfinished/00000/0000000.tar"], Arguments("killed")).ExitCode);
        Assert.False(File.Exists(folder["killed/00000.json"]));
        Assert.NotEqual(0, P2P.RunAndKillAtFile(folder["killed/unfinished/00001/0000003.tar"], Arguments("killed")).ExitCode);
        Assert.Equal((true, false), (File.Exists(folder["killed/00000.json"]), File.Exists(folder["killed/00001.json"])));
        P2P.Run(Arguments("killed")).Succeeded();
        Assert.Equal(Hashes.Of(folder["whole"]), Hashes.Of(folder["killed"]));
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void ARunThatIsStoppedSaysHowToResume(string signal)
    {
        var stopped = P2P.RunAndSignalAtFile(folder["out/unfinished/00000/0000000.tar"], signal, Arguments("out"));
        Assert.Equal(130, stopped.ExitCode);
        var last = stopped.Error.TrimEnd().Split('\n')[^1];
        Assert.Matches("^p2p: Stopped. [1-5] of 6 items are finished. Run the same command again to resume.$", last);
        // Nothing half-written is left.
        Assert.DoesNotContain(Directory.EnumerateFiles(folder["out"], "*", SearchOption.AllDirectories), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void AFailedItemIsInTheLastLineAndTheExitCode()
    {
        File.WriteAllText(folder["broken.png"], "no image");
        File.WriteAllLines(folder["plan.jsonl"], [Plan[4], """{"source": "a cat", "target": "a dog", "image": "broken.png"}"""]);
        var run = P2P.Run([.. Arguments("out"), "--json"]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("p2p: 1 of 2 items failed; the files *.failed.jsonl in ", run.Error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        using var facts = JsonDocument.Parse(run.Output);
        Assert.Equal((2, 1, 1), (facts.RootElement.GetProperty("items").GetInt32(), facts.RootElement.GetProperty("failed").GetInt32(), facts.RootElement.GetProperty("kept").GetInt32()));

        // Nothing fails in a process that has nothing to do.
        var again = P2P.Run(Arguments("out"));
        Assert.Equal(0, again.ExitCode);
        Assert.StartsWith("note: 1 of 2 items failed; ", again.Error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void AWholeDataSetOfInstructPix2PixIsMadeAndFiltered()
    {
        File.WriteAllLines(folder["plan.jsonl"], Plan[..2]);
        File.WriteAllText(folder["judge"], """while read -r question; do case "$question" in *-000-*) echo '{"keep": false}';; *-001-*) echo '{"keep": true, "score": 1}';; *) echo '{"keep": true, "score": 2}';; esac; done""");
        P2P.Run([
            "batch", folder["plan.jsonl"], "-o", folder["out"], "--model", TinyModel.Shared.Folder, "--preset", "instruct-pix2pix", "--layout", "folders", "--steps", "2", "--size", "64x64", "--samples", "3",
            "--filter-command", $"sh {folder["judge"]}", "--best", "1"]).Succeeded();
        // Of three samples, the first is rejected, and of the others the third is better.
        Assert.Equal(3, Directory.GetFiles(folder["out"], "*_1.jpg", SearchOption.AllDirectories).Length);
        Assert.All(Directory.GetFiles(folder["out"], "metadata.jsonl", SearchOption.AllDirectories), file => Assert.Contains("\"scores\":{\"score\":2}", File.ReadAllText(file), StringComparison.Ordinal));
        Assert.True(File.Exists(folder["out/seeds.json"]));
    }

    public void Dispose() => folder.Dispose();

    // With the embedded model: an item takes longer than it takes to notice the one before.
    private string[] Arguments(string output) => ["batch", folder["plan.jsonl"], "-o", folder[output], "--steps", "2", "--size", "64x64", "--shard-size", "3"];
}
