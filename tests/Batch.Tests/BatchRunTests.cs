using System.Text.Json;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Batch.Tests;

[Trait("Category", "Slow")]
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
    public void AnItemThatCannotBeMadeIsListed()
    {
        File.WriteAllText(small["broken.png"], "no image");
        File.AppendAllLines(small.PlanPath, ["""{"source": "a cat", "target": "a dog", "image": "broken.png", "id": "broken"}"""]);
        Assert.Equal(new BatchProgress(6, 6, 7, 7, Failed: 1), SmallRun.Execute(small.Request()));
        using var failure = JsonDocument.Parse(Assert.Single(File.ReadAllLines(small["out/00002.failed.jsonl"])));
        Assert.Equal((5, 6, "broken"), (failure.RootElement.GetProperty("item").GetInt32(), failure.RootElement.GetProperty("line").GetInt32(), failure.RootElement.GetProperty("id").GetString()));
        Assert.Contains("broken.png", failure.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, ShardStats.Read(small["out/00002.json"]).Failed);

        // Its shard can be made again, once the reason is gone.
        SmallRun.Noise(16, 16).SavePng(small["broken.png"]);
        File.Delete(small["out/00002.json"]);
        Assert.Equal(0, SmallRun.Execute(small.Request()).Failed);
        Assert.False(File.Exists(small["out/00002.failed.jsonl"]));
    }

    [Fact]
    public void AnItemThatEndsTheProcessTenTimesIsListed()
    {
        var shard = new ShardPaths(small["out"], 0);
        Directory.CreateDirectory(shard.Unfinished);
        File.WriteAllText(shard.OfStart(0), "!!!!!!!!!");
        File.WriteAllText(shard.OfStart(1), "!!!!!!!!!!!");
        Assert.Equal((5, 1), SmallRun.Execute(small.Request()) is var done ? (done.Items, done.Failed) : default);
        Assert.Contains("\"item\":1,", Assert.Single(File.ReadAllLines(small["out/00000.failed.jsonl"])), StringComparison.Ordinal);
    }

    [Fact]
    public void ItemsThatMayHaveEndedAProcessComeLast()
    {
        SmallRun.Execute(small.Request("whole") with { ShardSize = 5 });
        var shard = new ShardPaths(small["out"], 0);
        Directory.CreateDirectory(shard.Unfinished);
        File.WriteAllText(shard.OfStart(1), "!");
        using var filter = new Recorder(_ => true);
        SmallRun.Execute(small.Request() with { ShardSize = 5, Filters = [filter] });
        Assert.Equal([0, 2, 3, 4, 1], filter.Items.Distinct());
        Assert.Equal(small.Files("whole")["00000.tar"], small.Files()["00000.tar"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(100)]
    public void ManyFailuresInARowStopTheRunAndAreTriedAgain(int shardSize)
    {
        using var run = new SmallRun([.. Enumerable.Range(0, 14).Select(number => $$"""{"source": "a cat", "target": "a dog", "id": "{{number}}"}""")]);
        SmallRun.Execute(run.Request("whole") with { ShardSize = shardSize });
        using (var broken = new Recorder(item => item < 2 ? true : throw new IOException("The judge is broken.")))
        {
            var error = Assert.Throws<RepeatedFailureException>(() => SmallRun.Execute(run.Request() with { ShardSize = shardSize, Filters = [broken] }));
            Assert.StartsWith("10 items in a row failed, so the run stopped.", error.Message, StringComparison.Ordinal);
            Assert.EndsWith($"in line 12 of {run.PlanPath}: The judge is broken.", error.Message, StringComparison.Ordinal);
            // Each of them three times.
            Assert.Equal(2 + 30, broken.Items.Count);
        }

        using var working = new Recorder(_ => true);
        Assert.Equal(new BatchProgress(14, 14, 14, 14), SmallRun.Execute(run.Request() with { ShardSize = shardSize, Filters = [working] }));
        Assert.Equal(run.Files("whole"), run.Files());
    }

    [Fact]
    public void FailuresThatAreNotInARowDoNotStopTheRun()
    {
        using var run = new SmallRun([.. Enumerable.Range(0, 24).Select(number => $$"""{"source": "a cat", "target": "a dog", "id": "{{number}}"}""")]);
        using var filter = new Recorder(item => item % 2 == 0 ? true : throw new IOException("The judge is broken."));
        Assert.Equal((24, 12), SmallRun.Execute(run.Request() with { Filters = [filter] }) is var done ? (done.Items, done.Failed) : default);
    }

    [Fact]
    public void AFilterThatEndsWithTheRunIsNoFailure()
    {
        using var stopped = new CancellationTokenSource();
        using var filter = new Recorder(_ =>
        {
            stopped.Cancel();
            throw new IOException("The judge was stopped.");
        });
        Assert.ThrowsAny<OperationCanceledException>(() => SmallRun.Execute(small.Request() with { Filters = [filter] }, cancellationToken: stopped.Token));
        Assert.Single(filter.Items);
    }

    [Theory]
    [InlineData("size", "63x64", "\"size\": 63x64 does not fit this model.")]
    [InlineData("clip_skip", "0..40", "\"clip_skip\": 40 is out of range")]
    public void SettingsThatDoNotFitTheModelAreOneError(string setting, string value, string problem)
    {
        var request = small.Request();
        var error = Assert.Throws<InvalidInputException>(() => SmallRun.Execute(request with { Settings = request.Settings.With(setting, value) }));
        Assert.StartsWith($"{small.PlanPath}, line 1, {problem}", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(small["out"]));
    }

    [Fact]
    public void OnlyFailuresOfThisProcessAreNew()
    {
        using var filter = new Recorder(item => item != 3 ? true : throw new IOException("The judge is broken."));
        foreach (var expected in new[] { 1, 0 })
        {
            var run = new BatchRun(TinyModel.Shared.Model, small.Request() with { Filters = [filter] });
            Assert.Equal((1, expected), (run.Execute(cancellationToken: TestContext.Current.CancellationToken).Failed, run.NewlyFailed));
        }
    }

    [Fact]
    public void ErrorsNameThePlansKeys()
    {
        File.WriteAllLines(small.PlanPath, ["""{"source": "a cat", "target": "a dog", "image": "cat.png", "method": "direct", "self_unconditional": true}"""]);
        SmallRun.Noise(16, 16).SavePng(small["cat.png"]);
        var error = Assert.Throws<InvalidInputException>(() => BatchRun.Check(small.Request(), TinyModel.Shared.Model.Tokenizer));
        Assert.StartsWith($"{small.PlanPath}, line 1, \"self_unconditional\": ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData(", \"self\": [0.1, 0.9]", 3)]
    [InlineData(", \"method\": \"edit-friendly\"", 3)]
    public void AnImageHasAsManySamplesAsDiffer(string settings, int samples)
    {
        SmallRun.Noise(16, 16).SavePng(small["cat.png"]);
        var line = $$"""{"source": "a cat", "target": "a dog", "image": "cat.png"{{settings}}""";
        File.WriteAllLines(small.PlanPath, [line + "}"]);
        var request = small.Request() with { Samples = 3 };
        Assert.Equal((samples, samples == 1 ? 1 : 0), (request.SamplesOf(request.Plan.Items[0]), request.SingleSamples.Count()));

        File.WriteAllLines(small.PlanPath, [line + ", \"samples\": 2}"]);
        var refusal = Record.Exception(() => small.Request().Validate());
        if (samples == 1)
            Assert.StartsWith($"{small.PlanPath}, line 1, \"samples\": All samples of this image would be equal.", Assert.IsType<InvalidInputException>(refusal).Message, StringComparison.Ordinal);
        else
            Assert.Null(refusal);
    }

    [Fact]
    public async Task ProcessesThatEndTogetherDoNotDisturbEachOther()
    {
        SmallRun.Execute(small.Request());
        var files = small.Files();
        for (var round = 0; round < 10; round++)
        {
            // As after kills between the statistics and the clean-up.
            foreach (var work in Enumerable.Range(0, 3).Select(number => new ShardPaths(small["out"], number).Unfinished))
            {
                Directory.CreateDirectory(work);
                for (var number = 0; number < 20; number++)
                    File.WriteAllText(Path.Combine(work, $"{number}.tar"), "");
            }

            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => SmallRun.Execute(small.Request()))));
        }

        SmallRun.Execute(small.Request());
        Assert.Equal(files, small.Files());
    }

    [Fact]
    public void AShardMayHaveAnyNumberOfItems()
    {
        Assert.Equal(1, (small.Request() with { ShardSize = int.MaxValue }).Shards);
        Assert.Equal((5, 3, 1), ((small.Request() with { ShardSize = 1 }).Shards, (small.Request() with { ShardSize = 2 }).Shards, (small.Request() with { ShardSize = 5 }).Shards));
    }

    [Fact]
    public void AnItemWithoutASizeNeedsTheMemoryOfTheModelsOwn()
    {
        var request = small.Request();
        Assert.False(request.Demand.OrDefaultSize);
        File.AppendAllLines(small.PlanPath, ["""{"source": "a cat", "target": "a dog", "size": "8x8"}"""]);
        var demand = (small.Request() with { Settings = SettingValues.None }).Demand;
        Assert.Equal((8, true), (demand.Size!.Value.Width, demand.OrDefaultSize));
        var folder = TinyModel.Shared.Folder;
        Assert.Equal(Peak(new(demand.Rows)), Peak(demand));

        long Peak(MemoryDemand needed) => MemoryEstimate.Of(folder, new(), Precision.Single, needed).Peak;
    }

    [Fact]
    public void AFolderThatIsDeletedUnderARunStillNamesWhatItWasMadeWith()
    {
        var isDeleted = false;
        using var filter = new Recorder(_ =>
        {
            if (!isDeleted)
                File.Delete(small["out/run.json"]);
            return isDeleted = true;
        });
        SmallRun.Execute(small.Request() with { Filters = [filter] });
        Assert.True(isDeleted);
        SmallRun.Execute(small.Request());
        Assert.Throws<InvalidInputException>(() => SmallRun.Execute(small.Request() with { Samples = 2 }));
    }

    [Fact]
    public void ShardsOfUnknownOriginAreRefused()
    {
        SmallRun.Execute(small.Request());
        File.Delete(small["out/run.json"]);
        var error = Assert.Throws<InvalidInputException>(() => SmallRun.Execute(small.Request()));
        Assert.Contains("has shards but no run.json", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => RunManifest.RequireFits(small["out"], []));
    }

    [Fact]
    public void AShardThatAnotherProcessHoldsIsWaitedFor()
    {
        using var held = Assert.IsType<ShardLock>(ShardLock.TryTake(new ShardPaths(small["out"], 1).Lock));
        using var stopped = new CancellationTokenSource();
        var waiting = default(BatchProgress);
        Assert.ThrowsAny<OperationCanceledException>(() => SmallRun.Execute(small.Request(), new Watcher(_ => stopped.Cancel()), stopped.Token));
        Assert.False(File.Exists(small["out/00001.json"]));

        // The other process ends without the shard.
        var done = SmallRun.Execute(
            small.Request(),
            new Watcher(value =>
            {
                waiting = value;
                held.Dispose();
            }),
            TestContext.Current.CancellationToken);
        Assert.Equal((1, 3), (waiting.Elsewhere, waiting.Items));
        Assert.Equal((0, 5), (done.Elsewhere, done.Items));
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
        Assert.StartsWith($"{small.PlanPath}, line 1, \"blend\": \"elephant\"", Assert.Throws<InvalidInputException>(() => BatchRun.Check(request, TinyModel.Shared.Model.Tokenizer)).Message, StringComparison.Ordinal);
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

    private static List<string> Images(SmallRun run, string shard, int item) =>
    [
        .. TarFile.Read(run[$"out/{shard}"]).Where(member => member.Name.StartsWith($"{item:D7}", StringComparison.Ordinal) && member.Name.EndsWith(".png", StringComparison.Ordinal))
            .Select(member => Convert.ToBase64String(member.Content)),
    ];

    private sealed class Watcher(Action<BatchProgress> waits) : IProgress<BatchProgress>
    {
        public void Report(BatchProgress value)
        {
            if (value.Elsewhere > 0)
                waits(value);
        }
    }

    private sealed class Recorder(Func<int, bool> keeps) : PairFilter
    {
        public List<int> Items { get; } = [];

        public override bool Keeps(Pair pair, CancellationToken cancellationToken)
        {
            Items.Add(pair.Item.Index);
            return keeps(pair.Item.Index);
        }
    }

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
