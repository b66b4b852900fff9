using System.Text.Json;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Shards;

namespace PromptToPrompt.Batch.Tests.Shards;

public sealed class FolderLayoutTests
{
    [Fact]
    public void FoldersAreThoseOfInstructPix2Pix()
    {
        using var small = new SmallRun();
        var request = small.Request() with { Layout = new FolderLayout { Format = ImageFormat.Jpeg(100) } };
        SmallRun.Execute(request with { Partition = 1, Partitions = 2 });
        Assert.False(File.Exists(small["out/seeds.json"]));
        SmallRun.Execute(request with { Partition = 0, Partitions = 2 });

        Assert.Equal(["0000000-0", "0000000-1", "0000001", "0000002", "0000003", "0000004"], Directory.GetDirectories(small["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using var prompt = JsonDocument.Parse(File.ReadAllText(small["out/0000000-1/prompt.json"]));
        Assert.Equal("""{"input":"a white house in a field","edit":"make it a castle","output":"a white castle in a field"}""", prompt.RootElement.GetRawText());
        var seeds = JsonSerializer.Deserialize<JsonElement[][]>(File.ReadAllText(small["out/seeds.json"]))!;
        Assert.Equal(6, seeds.Length);
        foreach (var pairs in seeds)
        {
            var folder = Path.Combine(small["out"], pairs[0].GetString()!);
            var metadata = File.ReadLines(Path.Combine(folder, "metadata.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
            Assert.Equal(pairs[1].EnumerateArray().Select(seed => seed.GetString()), metadata.Select(pair => $"{pair.GetProperty("seed")}"));
            foreach (var seed in pairs[1].EnumerateArray())
                Assert.All(new[] { 0, 1 }, number => Assert.StartsWith("FFD8FF", Convert.ToHexString(File.ReadAllBytes(Path.Combine(folder, $"{seed}_{number}.jpg"))), StringComparison.Ordinal));
        }

        Assert.Equal(2, seeds[2][1].GetArrayLength());
        var drawn = JsonDocument.Parse(File.ReadLines(small["out/0000001/metadata.jsonl"]).First()).RootElement;
        Assert.InRange(drawn.GetProperty("p2p_threshold").GetDouble(), 0.1, 0.9);
        Assert.InRange(drawn.GetProperty("cfg_scale").GetDouble(), 3, 7);
    }

    [Fact]
    public void AShardThatIsMadeAgainReplacesItsFolders()
    {
        using var small = new SmallRun();
        var request = small.Request() with { Layout = new FolderLayout { Format = ImageFormat.Jpeg(100) } };
        SmallRun.Execute(request);
        var files = small.Files();
        // As after a kill between the folders and the statistics.
        File.Delete(small["out/00000.json"]);
        File.WriteAllText(small["out/0000001/stray.jpg"], "");
        SmallRun.Execute(request);
        Assert.Equal(files, small.Files());
    }

    [Fact]
    public void FoldersOfPairsThatAreNoLongerKeptAreDeleted()
    {
        using var small = new SmallRun();
        SmallRun.Execute(small.Request() with { Layout = new FolderLayout { Format = ImageFormat.Jpeg(100) } });
        File.Delete(small["out/00000.json"]);
        Directory.CreateDirectory(small["out/00000001"]);
        using var filter = new MeasureFilter(null, null, [KeepRule.Parse("mse<0")]);
        SmallRun.Execute(small.Request() with { Layout = new FolderLayout { Format = ImageFormat.Jpeg(100) }, Filters = [filter] });
        // Those of other shards, and other folders, stay.
        Assert.Equal(["00000001", "0000002", "0000003", "0000004"], Directory.GetDirectories(small["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.DoesNotContain("0000001", File.ReadAllText(small["out/seeds.json"]), StringComparison.Ordinal);
    }
}
