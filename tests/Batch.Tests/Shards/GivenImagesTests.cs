using System.Text.Json.Nodes;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;

namespace PromptToPrompt.Batch.Tests.Shards;

/// <summary>Images that are replaced between two processes of a run.</summary>
public sealed class GivenImagesTests : IDisposable
{
    private const string Line = """{"source": "a cat", "target": "a dog", "image": "NAME.png", "method": "ddim"}""";

    private readonly SmallRun small = new(Line.Replace("NAME", "first", StringComparison.Ordinal), Line.Replace("NAME", "second", StringComparison.Ordinal), """{"source": "a cat", "target": "a dog"}""");

    public GivenImagesTests()
    {
        Save("first", 1);
        Save("second", 2);
    }

    [Fact]
    public void AnImageThatWasReplacedAfterItsShardWasMadeIsOneError()
    {
        SmallRun.Execute(small.Request());
        var files = small.Files();
        Save("second", 3);
        Refused(2, "second.png", "out/00000.json");
        Assert.Equal(files, small.Files());

        Save("second", 2);
        SmallRun.Execute(small.Request());
        Assert.Equal(files, small.Files());

        // The new image is used if its shard is made again.
        Save("second", 3);
        File.Delete(small["out/00000.json"]);
        SmallRun.Execute(small.Request());
        Assert.NotEqual(files["00000.tar"], small.Files()["00000.tar"]);
        SmallRun.Execute(small.Request());
    }

    [Fact]
    public void AnImageThatWasReplacedBeforeItsShardWasCompleteIsOneError()
    {
        new BatchRun(TinyModel.Shared.Model, small.Request()).MakeShard(0, mayCommit: () => false);
        Save("first", 3);
        Refused(1, "first.png", "out/unfinished/00000/0000000.tar");
        File.Delete(small["out/unfinished/00000/0000000.tar"]);
        Assert.Equal(new BatchProgress(3, 3, 3, 3), SmallRun.Execute(small.Request()));
    }

    [Fact]
    public void AnImageMayBeDeletedOnceItsShardIsComplete()
    {
        SmallRun.Execute(small.Request());
        var files = small.Files();
        File.Delete(small["second.png"]);
        SmallRun.Execute(small.Request());
        Assert.Equal(files, small.Files());
    }

    [Fact]
    public void AnImageThatAnItemStillNeedsMustExist()
    {
        File.Delete(small["second.png"]);
        Assert.Equal(
            $"{small.PlanPath}, line 2, \"image\": {small["second.png"]} does not exist. Paths are relative to the plan's folder.",
            Assert.Throws<InvalidInputException>(() => SmallRun.Execute(small.Request())).Message);
        Assert.Equal(["run.json"], Directory.EnumerateFileSystemEntries(small["out"]).Select(Path.GetFileName));
        // Other partitions do not need it.
        SmallRun.Execute(small.Request() with { Partition = 1, Partitions = 2 });
    }

    [Fact]
    public void PartitionsCompareTheirOwnShards()
    {
        SmallRun.Execute(small.Request());
        Save("second", 3);
        SmallRun.Execute(small.Request() with { Partition = 1, Partitions = 2 });
        Assert.Throws<InvalidInputException>(() => SmallRun.Execute(small.Request() with { Partition = 0, Partitions = 2 }));
    }

    [Fact]
    public void ShardsOfAnEarlierVersionAreNotCompared()
    {
        SmallRun.Execute(small.Request());
        var stats = (JsonObject)JsonNode.Parse(File.ReadAllText(small["out/00000.json"]))!;
        Assert.Equal(["0", "1"], stats["images"]!.AsObject().Select(image => image.Key));
        // A shard without images has the statistics of earlier versions.
        Assert.False(JsonNode.Parse(File.ReadAllText(small["out/00001.json"]))!.AsObject().ContainsKey("images"));
        stats.Remove("images");
        File.WriteAllText(small["out/00000.json"], stats.ToJsonString());
        Save("first", 3);
        SmallRun.Execute(small.Request());
    }

    public void Dispose() => small.Dispose();

    private void Save(string name, int seed)
    {
        var pixels = new byte[16 * 16 * 3];
        new Random(seed).NextBytes(pixels);
        new Image(16, 16, pixels).SavePng(small[name + ".png"]);
    }

    private void Refused(int line, string image, string file) => Assert.Equal(
        $"{small.PlanPath}, line {line}, \"image\": {small[image]} is no longer the image that the data in {small["out"]} were made from. Restore it. To use another image, delete {small[file]} and run the same command again.",
        Assert.Throws<InvalidInputException>(() => SmallRun.Execute(small.Request())).Message);
}
