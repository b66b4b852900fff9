using Parquet.Serialization;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Shards;

namespace PromptToPrompt.Batch.Tests.Shards;

public sealed class TarLayoutTests
{
    [Fact]
    public async Task TheTableHasARowForEachRecordOfTheTar()
    {
        using var small = new SmallRun();
        using var filter = new MeasureFilter(null, null, [KeepRule.Parse("ssim>=-1")]);
        SmallRun.Execute(small.Request() with { ShardSize = 5, Samples = 2, Filters = [filter] });
        var records = TarFile.Read(small["out/00000.tar"]).Where(member => member.Name.EndsWith(".json", StringComparison.Ordinal)).Select(member => BatchJson.Read<PairRecord>(member.Content)).ToList();
        var rows = (await ParquetSerializer.DeserializeAsync<PairRow>(small["out/00000.parquet"])).Data;

        Assert.Equal(12, records.Count);
        Assert.Equal(records.Select(record => BatchJson.Line(PairRow.Of(record))), rows.Select(BatchJson.Line));
        Assert.All(records.Zip(rows), pair => Assert.Equal(pair.First.Scores.Values, [pair.Second.Mse!.Value, pair.Second.Psnr!.Value, pair.Second.Ssim!.Value]));
        Assert.Equal(records.Count, rows.Select(row => row.Fingerprint).Distinct().Count());
        Assert.Equal((4ul, 5ul), (rows.Single(row => row.Key == "0000003-000-0").Seed, rows.Single(row => row.Key == "0000003-001-0").Seed));
    }

    [Fact]
    public void RecordsAreGroupedAsWebDatasetReadsThem()
    {
        using var small = new SmallRun();
        SmallRun.Execute(small.Request() with { ShardSize = 5, Layout = new TarLayout { Format = ImageFormat.Jpeg(90) } });
        var names = TarFile.Read(small["out/00000.tar"]).Select(member => member.Name.Split('.', 2)).ToList();
        // Members of a record are neighbors, and what follows the first dot tells them apart.
        Assert.Equal(names.Select(name => name[0]).Distinct().SelectMany(key => Enumerable.Repeat(key, 4)), names.Select(name => name[0]));
        Assert.All(names.Chunk(4), record => Assert.Equal(["source.jpg", "edited.jpg", "txt", "json"], record.Select(name => name[1])));
    }

    [Fact]
    public async Task AShardWithoutPairsCanBeRead()
    {
        using var small = new SmallRun();
        using var filter = new MeasureFilter(null, null, [KeepRule.Parse("mse<0")]);
        Assert.Equal((7, 0), SmallRun.Execute(small.Request() with { ShardSize = 5, Filters = [filter] }) is var done ? (done.Made, done.Kept) : default);
        Assert.Equal(new byte[1024], await File.ReadAllBytesAsync(small["out/00000.tar"], TestContext.Current.CancellationToken));
        Assert.Empty(TarFile.Read(small["out/00000.tar"]));
        Assert.Empty((await ParquetSerializer.DeserializeAsync<PairRow>(small["out/00000.parquet"])).Data);
    }

    [Fact]
    public void StatisticsHaveTheHashOfEveryFile()
    {
        using var small = new SmallRun();
        SmallRun.Execute(small.Request());
        var stats = ShardStats.Read(small["out/00000.json"]);
        Assert.Equal((0, 0, 2, 0, 4, 4), (stats.Shard, stats.FirstItem, stats.Items, stats.Failed, stats.Made, stats.Kept));
        Assert.Equal(["00000.parquet", "00000.tar"], stats.Files.Keys);
        Assert.All(stats.Files, file => Assert.Equal(small.Files()[file.Key], file.Value.ToUpperInvariant()));
    }
}
