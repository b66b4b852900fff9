using System.Text.Json;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Batch.Tests;

public sealed class BatchRunTests : IDisposable
{
    private readonly SmallRun small = new();

    [Fact]
    public void APartitionsDataIsTheWholeRuns()
    {
        SmallRun.Execute(small.Request("whole"));
        foreach (var partition in new[] { 2, 0, 1 })
            SmallRun.Execute(small.Request("parts") with { Partition = partition, Partitions = 3 });
        var whole = small.Files("whole");
        Assert.Equal(
            ["00000.json", "00000.parquet", "00000.tar", "00001.json", "00001.parquet", "00001.tar", "00002.json", "00002.parquet", "00002.tar", "run.json"], whole.Keys);
        Assert.Equal(whole, small.Files("parts"));
    }

    [Fact]
    public void AnItemsImagesDependOnNoOtherItem()
    {
        SmallRun.Execute(small.Request());
        using var alone = new SmallRun([.. File.ReadAllLines(small.PlanPath).Reverse()]);
        SmallRun.Execute(alone.Request());
        Assert.Equal(Images(small, "00000.tar", 1), Images(alone, "00001.tar", 3));
    }

    [Fact]
    public void ImagesAreThoseOfASingleEdit()
    {
        SmallRun.Execute(small.Request() with { Settings = small.Request().Settings.With("steps", "2") });
        var files = TarFile.Read(small["out/00000.tar"]).ToDictionary(member => member.Name, member => member.Content);
        var record = BatchJson.Read<PairRecord>(files["0000001-001-0.json"]);
        using var result = EditRun.Execute(
            TinyModel.Shared.Model,
            new GenerationRequest { Prompt = "a cat in the snow", Sampling = new() { Steps = 2, Size = new(64, 64), Seed = record.Seed, Guidance = (double)record.Settings["guidance"]! } },
            new() { Prompts = ["a dog in the snow"], SelfSteps = new(0, (double)record.Settings["self"]!) });
        Assert.Equal(result.Images[0].ToPng(), files[record.SourceFile]);
        Assert.Equal(result.Images[1].ToPng(), files[record.EditedFile]);
        Assert.Equal("a dog in the snow", System.Text.Encoding.UTF8.GetString(files["0000001-001-0.txt"]));
    }

    [Fact]
    public void ARunThatIsStoppedKeepsItsItems()
    {
        SmallRun.Execute(small.Request("whole"));
        for (var count = 0; count <= 4; count++)
        {
            using var stopped = new CancellationTokenSource();
            var progress = new Stopper(stopped, count);
            Assert.ThrowsAny<OperationCanceledException>(() => SmallRun.Execute(small.Request(), progress, stopped.Token));
            Assert.Equal(count, progress.Last.Items);
        }

        Assert.Equal(new BatchProgress(5, 5, 7, 7), SmallRun.Execute(small.Request()));
        Assert.Equal(small.Files("whole"), small.Files());
    }

    [Fact]
    public void AnItemThatFailsThreeTimesIsListed()
    {
        File.WriteAllText(small["broken.png"], "no image");
        File.AppendAllLines(small.PlanPath, ["""{"source": "a cat", "target": "a dog", "image": "broken.png", "id": "broken"}"""]);
        Assert.Equal(new BatchProgress(6, 6, 7, 7, Failed: 1), SmallRun.Execute(small.Request()));
        using var failure = JsonDocument.Parse(Assert.Single(File.ReadAllLines(small["out/00002.failed.jsonl"])));
        Assert.Equal((5, 6, "broken"), (failure.RootElement.GetProperty("item").GetInt32(), failure.RootElement.GetProperty("line").GetInt32(), failure.RootElement.GetProperty("id").GetString()));
        Assert.Contains("broken.png", failure.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, ShardStats.Read(small["out/00002.json"]).Failed);

        // Its shard can be made again, once the reason is gone.
        Noise(16, 16).SavePng(small["broken.png"]);
        File.Delete(small["out/00002.json"]);
        Assert.Equal(0, SmallRun.Execute(small.Request()).Failed);
        Assert.False(File.Exists(small["out/00002.failed.jsonl"]));
    }

    [Fact]
    public void AnItemThatEndsTheProcessThreeTimesIsListed()
    {
        var shard = new ShardPaths(small["out"], 0);
        Directory.CreateDirectory(shard.Work);
        File.WriteAllText(shard.OfStart(0), "!!");
        File.WriteAllText(shard.OfStart(1), "!!!");
        Assert.Equal((5, 1), SmallRun.Execute(small.Request()) is var done ? (done.Items, done.Failed) : default);
        Assert.Contains("\"item\":1,", Assert.Single(File.ReadAllLines(small["out/00000.failed.jsonl"])), StringComparison.Ordinal);
    }

    [Fact]
    public void AGivenImageIsTheSourceOfItsPairs()
    {
        var image = Noise(48, 40);
        using var run = new SmallRun("""{"source": "a cat in the snow", "target": "a dog in the snow", "image": "cat.png", "method": "direct"}""");
        image.SavePng(run["cat.png"]);
        SmallRun.Execute(run.Request());
        var files = TarFile.Read(run["out/00000.tar"]).ToDictionary(member => member.Name, member => member.Content);
        Assert.Equal(image.ToPng(), files["0000000-000-0.source.png"]);
        Assert.NotEqual(image.ToPng(), files["0000000-000-0.edited.png"]);
        Assert.Equal(image.Size, ImageReader.Read(new MemoryStream(files["0000000-000-0.edited.png"]), "edited").Size);
    }

    [Fact]
    public void AShardThatAnotherProcessHoldsIsLeftToIt()
    {
        using (Assert.IsType<ShardLock>(ShardLock.TryTake(new ShardPaths(small["out"], 1).Lock)))
        {
            var progress = SmallRun.Execute(small.Request());
            Assert.Equal((1, 3), (progress.Elsewhere, progress.Items));
            Assert.False(File.Exists(small["out/00001.json"]));
        }

        Assert.Equal((0, 5), SmallRun.Execute(small.Request()) is var done ? (done.Elsewhere, done.Items) : default);
    }

    [Theory]
    [InlineData("settings")]
    [InlineData("seed")]
    [InlineData("plan")]
    [InlineData("shard_size")]
    public void AnotherRunInTheFolderIsRefused(string what)
    {
        SmallRun.Execute(small.Request());
        if (what == "plan")
            File.WriteAllLines(small.PlanPath, File.ReadAllLines(small.PlanPath).Append("").Prepend(""));
        var request = small.Request();
        request = what switch
        {
            "settings" => request with { Settings = request.Settings.With("cross", "0.1") },
            "seed" => request with { Seed = 1 },
            "shard_size" => request with { ShardSize = 3 },
            _ => request,
        };
        Assert.Contains($"has the data of another run: {what} differs", Assert.Throws<InvalidInputException>(() => SmallRun.Execute(request)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WordsAreCheckedBeforeTheModelRuns()
    {
        var request = small.Request() with { Settings = SettingValues.None.With("blend", "elephant") };
        Assert.StartsWith("Line 1 of the plan: ", Assert.Throws<InvalidInputException>(() => BatchRun.Check(request, TinyModel.Shared.Model.Tokenizer)).Message, StringComparison.Ordinal);
        Assert.Empty(BatchRun.Check(small.Request(), TinyModel.Shared.Model.Tokenizer));
    }

    [Fact]
    public void PromptsThatAreCutOffAreFound()
    {
        using var run = new SmallRun("""{"source": "a cat", "target": "a dog"}""", $$"""{"source": "a cat", "target": "a dog{{string.Concat(Enumerable.Repeat(" in the snow", 40))}}"}""");
        Assert.Equal([2], BatchRun.Check(run.Request(), TinyModel.Shared.Model.Tokenizer).Select(item => item.Line));
        Assert.Empty(BatchRun.Check(run.Request() with { Settings = SettingValues.None.With("long_prompts", "true") }, TinyModel.Shared.Model.Tokenizer));
    }

    public void Dispose() => small.Dispose();

    private static Image Noise(int width, int height)
    {
        var pixels = new byte[width * height * 3];
        new Random(1).NextBytes(pixels);
        return new Image(width, height, pixels);
    }

    private static List<string> Images(SmallRun run, string shard, int item) =>
    [
        .. TarFile.Read(run[$"out/{shard}"]).Where(member => member.Name.StartsWith($"{item:D7}", StringComparison.Ordinal) && member.Name.EndsWith(".png", StringComparison.Ordinal))
            .Select(member => Convert.ToBase64String(member.Content)),
    ];

    private sealed class Stopper(CancellationTokenSource source, int count) : IProgress<BatchProgress>
    {
        public BatchProgress Last { get; private set; }

        public void Report(BatchProgress value)
        {
            Last = value;
            if (value.Items == count)
                source.Cancel();
        }
    }
}
