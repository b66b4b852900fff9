using System.Text.Json;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Metrics;

namespace PromptToPrompt.Batch.Tests.Filters;

public sealed class FilterTests
{
    [Fact]
    public void PixelsAreMeasured()
    {
        using var filter = new MeasureFilter(null, null, [KeepRule.Parse("psnr>=20"), KeepRule.Parse("ssim>=0.5")]);
        var (same, other) = (PairOf(100, 100), PairOf(100, 250));
        Assert.Equal((true, false), (filter.Keeps(same, default), filter.Keeps(other, default)));
        Assert.Equal((double.MaxValue, 0.0, 1.0), (same.Scores["psnr"], same.Scores["mse"], same.Scores["ssim"]));
        Assert.Equal(10 * Math.Log10(255.0 * 255 / (150 * 150)), other.Scores["psnr"], 1e-9);
    }

    [Fact]
    [Trait("Category", "Reference")]
    public void ModelsMeasureAsTheMetricsDo()
    {
        var tokenizer = ClipTokenizer.Load(ReferenceFolder.Require("tiny-sd15", "tokenizer"));
        using var clip = new ClipModel(ReferenceFolder.Require("tiny-clip"), tokenizer);
        using var dino = new DinoModel(ReferenceFolder.Require("tiny-dino"));
        using var filter = new MeasureFilter(
            new ClipModel(ReferenceFolder.Require("tiny-clip"), tokenizer), new DinoModel(ReferenceFolder.Require("tiny-dino")), [KeepRule.Parse("clip_direction>=-1")]);
        var pair = PairOf(Image.Load(ReferenceFolder.Require("metrics", "picture-0.png")), Image.Load(ReferenceFolder.Require("metrics", "picture-1.png")));

        Assert.True(filter.Keeps(pair, default));
        var expected = ClipSimilarity.Of(clip, pair.Source, pair.Edited, ["a cat", "a dog"]);
        Assert.Equal(
            [expected.Direction!.Value, expected.Images, expected.Texts[0], expected.Texts[1], dino.StructureDistance(pair.Source, pair.Edited)], pair.Scores.Values);
        Assert.Equal(["clip_direction", "clip_image", "clip_text_source", "clip_text_target", "structure"], pair.Scores.Keys);
        // Equal images have no direction.
        var same = PairOf(pair.Source, pair.Source);
        Assert.True(filter.Keeps(same, default));
        Assert.Equal((0.0, 1.0), (same.Scores["clip_direction"], Math.Round(same.Scores["clip_image"], 5)));
    }

    [Fact]
    [Trait("Category", "Reference")]
    public void CaptionsAndSourcesAreEmbeddedOnce()
    {
        using var vectors = new ClipVectors(new(ReferenceFolder.Require("tiny-clip"), ClipTokenizer.Load(ReferenceFolder.Require("tiny-sd15", "tokenizer"))));
        using var clip = new ClipModel(ReferenceFolder.Require("tiny-clip"), ClipTokenizer.Load(ReferenceFolder.Require("tiny-sd15", "tokenizer")));
        var images = Enumerable.Range(0, 4).Select(number => Image.Load(ReferenceFolder.Require("metrics", $"picture-{number}.png"))).ToList();
        // More captions than are kept, one of them again and again.
        for (var number = 0; number < 150; number++)
        {
            var (source, edited) = (images[number / 40], images[(number / 40) ^ 1]);
            var similarity = vectors.Compare(source, edited, "a cat", $"a dog {number}");
            if (number % 30 < 2)
            {
                var expected = ClipSimilarity.Of(clip, source, edited, ["a cat", $"a dog {number}"]);
                Assert.Equal((expected.Images, expected.Texts[0], expected.Texts[1], expected.Direction), (similarity.Images, similarity.Texts[0], similarity.Texts[1], similarity.Direction));
            }

            Assert.Same(vectors.OfSource(source), vectors.OfSource(source));
            Assert.Same(vectors.OfCaption("a cat"), vectors.OfCaption("a cat"));
        }
    }

    [Fact]
    public void TheBestOfEachTargetAreKeptInTheirOrder()
    {
        Pair[] pairs =
        [
            .. from scored in new[] { (0, 0, 0.5), (0, 1, 0.1), (1, 0, 0.9), (1, 1, 0.3), (2, 0, 0.7), (2, 1, 0.3) }
               let pair = PairOf(100, 100, scored.Item1, scored.Item2)
               where pair.Scores.TryAdd("score", scored.Item3)
               select pair,
        ];
        Assert.Equal(["0000000-001-0", "0000000-001-1", "0000000-002-0", "0000000-002-1"], new BestOf(2, "score").Choose(pairs).Select(pair => pair.Key));
        Assert.Throws<Diffusion.InvalidInputException>(() => new BestOf(2, "clip_direction").Choose(pairs));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void ACommandIsStartedOnceAndAnswersEachPair()
    {
        using var folder = new TemporaryFolder();
        // It counts its questions; the second is rejected. Its questions are kept.
        File.WriteAllText(folder["judge"], $$"""
            n=0
            while read -r question; do
              printf '%s\n' "$question" >> "{{folder["asked"]}}"
              n=$((n + 1))
              if [ $n = 2 ]; then echo '{"keep": false}'; else echo "{\"keep\": true, \"score\": 0.$n}"; fi
            done
            """);
        using var filter = new CommandFilter($"sh {folder["judge"]}");
        Pair[] pairs = [PairOf(100, 100), PairOf(100, 200), PairOf(100, 150)];
        Assert.Equal([true, false, true], pairs.Select(pair => filter.Keeps(pair, TestContext.Current.CancellationToken)));
        Assert.Equal([0.1, 0.3], pairs.SelectMany(pair => pair.Scores.Values));
        using var asked = JsonDocument.Parse(File.ReadLines(folder["asked"]).First());
        Assert.Equal(["key", "source", "target", "edit", "source_file", "edited_file", "scores"], asked.RootElement.EnumerateObject().Select(field => field.Name));
        // Images exist only while they are judged.
        Assert.False(File.Exists(asked.RootElement.GetProperty("source_file").GetString()));
    }

    [Theory]
    [Trait("Category", "Process")]
    [InlineData("exit 3", "did not read|does not read its questions|ended without an answer")]
    [InlineData("read question; echo no; cat > /dev/null", "answered with something that is not JSON: no")]
    [InlineData("read question; echo '{\"score\": 1}'; cat > /dev/null", "answered without \"keep\"")]
    public void ACommandThatDoesNotAnswerIsAnError(string command, string problem)
    {
        using var filter = new CommandFilter(command);
        Assert.Matches(problem, Assert.Throws<IOException>(() => filter.Keeps(PairOf(100, 100), TestContext.Current.CancellationToken)).Message);
    }

    [Theory]
    [Trait("Category", "Process")]
    [InlineData("loading model")]
    [InlineData("{\"score\": 1}")]
    [InlineData("null")]
    [InlineData("[true]")]
    [InlineData("{\"keep\": \"yes\"}")]
    [InlineData("{\"keep\": true, \"score\": 1e999}")]
    public void AnswersAfterAnInvalidOneAreThoseOfTheirPairs(string first)
    {
        using var folder = new TemporaryFolder();
        // The first of its processes begins with a line that answers nothing.
        File.WriteAllText(folder["judge"], $$"""
            if [ ! -e "{{folder["begun"]}}" ]; then touch "{{folder["begun"]}}"; echo '{{first}}'; fi
            while read -r question; do
              case "$question" in *'"key":"0000000-001-'*) echo '{"keep": true}';; *) echo '{"keep": false}';; esac
            done
            """);
        using var filter = new CommandFilter($"sh {folder["judge"]}");
        Assert.Throws<IOException>(() => filter.Keeps(PairOf(100, 100), TestContext.Current.CancellationToken));
        Assert.Equal(
            [false, true, true, false], new[] { 0, 1, 1, 2 }.Select(sample => filter.Keeps(PairOf(100, 100, sample), TestContext.Current.CancellationToken)));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void AFilterThatNeverAnswersIsGivenUpWithTheRun()
    {
        using var folder = new TemporaryFolder();
        using var stopped = new CancellationTokenSource();
        using var filter = new CommandFilter($"read question; touch {folder["asked"]}; cat > /dev/null");
        using var watch = new FileSystemWatcher(folder.Path);
        watch.Created += (_, _) => stopped.Cancel();
        watch.EnableRaisingEvents = true;
        Assert.ThrowsAny<OperationCanceledException>(() => filter.Keeps(PairOf(100, 100), stopped.Token));
    }

    [Fact]
    public async Task AnAddressAnswersEachPair()
    {
        await using var server = await JudgeServer.Start(question => question.GetProperty("target").GetString() == "a dog" ? """{"keep": true, "score": 0.25}""" : """{"keep": false}""");
        using var filter = new UrlFilter(server.Address);
        var pair = PairOf(100, 200);
        Assert.True(filter.Keeps(pair, TestContext.Current.CancellationToken));
        Assert.Equal(0.25, pair.Scores["score"]);
        Assert.False(filter.Keeps(PairOf(100, 200, targets: "a fox"), TestContext.Current.CancellationToken));

        using var broken = new UrlFilter(new Uri(server.Address, "/missing"));
        Assert.EndsWith("answered with status 404.", Assert.Throws<IOException>(() => broken.Keeps(pair, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunKeepsWhatItsFiltersKeep()
    {
        await using var server = await JudgeServer.Start(question => $$"""{"keep": {{(question.GetProperty("key").GetString()!.EndsWith("-0", StringComparison.Ordinal) ? "true" : "false")}}, "score": 2}""");
        using var small = new SmallRun();
        using var filter = new UrlFilter(server.Address);
        var progress = SmallRun.Execute(small.Request() with { Filters = [filter] });
        Assert.Equal((7, 6, 0), (progress.Made, progress.Kept, progress.Failed));
        var records = TarFile.Read(small["out/00000.tar"]).Where(member => member.Name.EndsWith(".json", StringComparison.Ordinal)).Select(member => BatchJson.Read<PairRecord>(member.Content));
        Assert.All(records, record => Assert.Equal((0, 2.0), (record.TargetNumber, record.Scores["score"])));
    }

    [Fact]
    public async Task AFilterThatFailsIsTheItemsFailureNotAnAnswer()
    {
        var asked = 0;
        await using var server = await JudgeServer.Start(question => question.GetProperty("key").GetString()!.StartsWith("0000003", StringComparison.Ordinal) && ++asked < 99 ? "what?" : """{"keep": true}""");
        using var small = new SmallRun();
        using var filter = new UrlFilter(server.Address);
        Assert.Equal(new BatchProgress(5, 5, 6, 6, Failed: 1), SmallRun.Execute(small.Request() with { Filters = [filter] }));
        Assert.Equal(3, asked);
        Assert.Contains("answered with something that is not JSON: what?", File.ReadAllText(small["out/00001.failed.jsonl"]), StringComparison.Ordinal);
    }

    private static Pair PairOf(byte source, byte edited, int sample = 0, int target = 0, string targets = "a dog") =>
        PairOf(Plain(source), Plain(edited), sample, target, targets);

    private static Pair PairOf(Image source, Image edited, int sample = 0, int target = 0, string targets = "a dog") => new(
        new PlanItem { Index = 0, Line = 1, Source = "a cat", Targets = [targets, targets], Instructions = ["make it one", "make it another"], Content = "" },
        new SampleImages(sample, 0, SettingValues.None, source, [edited, edited]), target);

    private static Image Plain(byte level) => new(16, 16, [.. Enumerable.Repeat(level, 16 * 16 * 3)]);
}
