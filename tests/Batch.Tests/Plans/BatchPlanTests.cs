using System.Text.Json;
using CsCheck;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Tests.Plans;

public sealed class BatchPlanTests : IDisposable
{
    private static readonly string[] Parts = ["{\"source\":", "\"a\"", "source,", "target", "\n", ",", "\"", "{", "}", "[", "]", "1e999", "\"self\":", "é", "\\ud800", "null"];

    private readonly TemporaryFolder folder = new();

    [Fact]
    public void FieldsOfPublishedDataSetsAreRead()
    {
        var items = Read(
            """{"source": "a cat", "target": ["a dog", "a fox"], "edit": ["make it a dog", "make it a fox"], "id": "pets", "seed": 7, "samples": 3}""",
            "",
            """{"caption": "a hill", "edit": "make it snow", "output": "a hill in snow", "url": "https://example.org/hill.jpg"}""",
            """{"input": "a hill", "target": "a lake", "guidance": [7.5, 15], "self": "0.1..0.9", "weight": ["lake=2"]}""");

        Assert.Equal([1, 3, 4], items.Select(item => item.Line));
        Assert.Equal(("a cat", "pets", 7ul, 3), (items[0].Source, items[0].Id, items[0].Seed, items[0].Samples));
        Assert.Equal(["a dog", "a fox"], items[0].Targets);
        Assert.Equal(["make it a dog", "make it a fox"], items[0].Instructions);
        Assert.Equal(("a hill", "a hill in snow", "make it snow"), (items[1].Source, items[1].Targets[0], items[1].Instructions[0]));
        Assert.Equal([new("guidance", "7.5..15"), new("self", "0.1..0.9"), new("weight", "lake=2")], items[2].Settings.All);
    }

    [Fact]
    public void CsvSaysTheSameAsJsonLines()
    {
        File.WriteAllText(folder["plan.csv"], "source,target,target,guidance,seed\n\"a cat, asleep\",a dog,a fox,7.5..15,3\n\na hill,a lake,,,\n");
        var csv = BatchPlan.Read(folder["plan.csv"]).Items;
        var json = Read("""{"source": "a cat, asleep", "target": ["a dog", "a fox"], "guidance": [7.5, 15], "seed": 3}""", """{"source": "a hill", "target": "a lake"}""");

        Assert.Equal(json.Select(Facts), csv.Select(Facts));
        Assert.Equal([2, 4], csv.Select(item => item.Line));

        static string Facts(PlanItem item) => JsonSerializer.Serialize(new { item.Source, item.Targets, item.Seed, item.Content, Settings = item.Settings.All });
    }

    [Theory]
    [InlineData("""{"source": "a cat"}""", "\"target\": The target prompt is missing.")]
    [InlineData("""{"target": "a cat"}""", "\"source\": The source prompt is missing.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "guidence": 3}""", "\"guidence\": There is no such field. Did you mean guidance? Use source,")]
    [InlineData("""{"source": "a cat", "traget": "a dog"}""", "\"traget\": There is no such field. Did you mean target? Use source,")]
    [InlineData("""{"source": "a cat", "target": "a dog", "method": "direct+masctrl"}""", "\"method\": \"direct+masctrl\" is unknown. Did you mean direct+masactrl? Use p2p,")]
    [InlineData("""{"source": "a cat", "target": "a dog", "scheduler": "eluer"}""", "\"scheduler\": \"eluer\" is unknown. Did you mean euler? Use ddim,")]
    [InlineData("""{"source": "a cat", "target": "a dog", "spacing": "trailling"}""", "\"spacing\": \"trailling\" is unknown. Did you mean trailing? Use ")]
    [InlineData("""{"source": "a cat", "caption": "a cat", "target": "a dog"}""", "\"caption\": \"source\" is the same field.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "self": [0.1, 1.9]}""", "\"self\": 1.9 is out of range.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "self": [0.9, 0.1]}""", "\"self\": \"0.9..0.1\" is not valid.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "steps": 2.5}""", "\"steps\": \"2.5\" is not valid. Use whole numbers.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "steps": 5000}""", "\"steps\": 5000 is out of range.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "guidance": -3}""", "\"guidance\": -3 is out of range. Use a number from 0 to 100.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "guidance": [7.5, 100000]}""", "\"guidance\": 100000 is out of range.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "guidance": "NaN"}""", "\"guidance\": \"NaN\" is not valid.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "guidance": 1e999}""", "\"guidance\": \"1e999\" is not valid.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "kind": "swap"}""", "\"kind\": \"swap\" is unknown. Use auto, replace, refine or naive.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "scheduler": "heun"}""", "\"scheduler\": \"heun\" is unknown.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "seed": -0.5}""", "\"seed\": \"-0.5\" is not valid.")]
    [InlineData("""{"source": "a cat", "target": "a dog", "samples": 0}""", "\"samples\": \"0\" is not valid.")]
    [InlineData("""{"source": "a cat", "target": ["a dog", "a fox"], "edit": "make it a dog"}""", "\"edit\": Instructions: 1, targets: 2.")]
    [InlineData("""{"source": {"text": "a cat"}, "target": "a dog"}""", "\"source\": Use a text")]
    [InlineData("""{"source": "\ud800", "target": "a dog"}""", ": A text has characters that are not valid Unicode.")]
    [InlineData("""["a cat", "a dog"]""", ": This is not a JSON object.")]
    [InlineData("""{"source": "a cat", """, ": This is not valid JSON")]
    public void AnErrorNamesLineAndField(string line, string problem)
    {
        var error = Assert.Throws<InvalidInputException>(() => Read("""{"source": "a cat", "target": "a dog"}""", line));
        Assert.StartsWith($"{folder["plan.jsonl"]}, line 2{(problem[0] == ':' ? "" : ", ")}{problem}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("source,target\na cat,a dog,a fox\n", "line 2: The line has 3 cells and the first line 2.")]
    [InlineData("source,target,self\na cat,a dog,2\n", "line 2, \"self\": 2 is out of range.")]
    [InlineData("source,target\n", "has no items.")]
    public void AnErrorInCsvNamesItToo(string text, string problem)
    {
        File.WriteAllText(folder["plan.csv"], text);
        Assert.Contains(problem, Assert.Throws<InvalidInputException>(() => BatchPlan.Read(folder["plan.csv"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plan.jsonl")]
    [InlineData("plan.csv")]
    public void AnyBytesAreAPlanOrOneError(string name) => Gen.OneOf(
            Gen.Byte.Array[0, 60],
            Gen.Int[0, Parts.Length - 1].Select(part => Parts[part]).Array[0, 12].Select(parts => System.Text.Encoding.UTF8.GetBytes(string.Concat(parts))))
        .Sample(
            bytes =>
            {
                File.WriteAllBytes(folder[name], bytes);
                try
                {
                    Assert.NotEmpty(BatchPlan.Read(folder[name]).Items);
                }
                catch (InvalidInputException e)
                {
                    Assert.StartsWith(folder[name], e.Message, StringComparison.Ordinal);
                }
            },
            iter: 500, threads: 1);

    [Fact]
    public void WhatIsWrittenIsRead() => Gen.Select(Gen.String, Gen.String.Array[1, 4], Gen.ULong, Gen.Double[0, 1], Gen.Double[0, 1]).Where(item => IsUnicode([item.Item1, .. item.Item2])).Sample(
        (source, targets, seed, one, other) =>
        {
            var (min, max) = (Math.Min(one, other), Math.Max(one, other));
            var item = Assert.Single(Read(JsonSerializer.Serialize(new { source, target = targets, seed, self = new[] { min, max } })));
            Assert.Equal((source, seed), (item.Source, item.Seed));
            Assert.Equal(targets, item.Targets);
            var drawn = item.Settings.Resolve(new(0, item.Content, 0)).ToSettings().Edit.SelfSteps.End;
            Assert.InRange(drawn, min, max);
        },
        iter: 500, threads: 1);

    public void Dispose() => folder.Dispose();

    private static bool IsUnicode(IEnumerable<string> texts) => texts.All(text => text == new string([.. text.EnumerateRunes().SelectMany(rune => rune.ToString())]));

    private IReadOnlyList<PlanItem> Read(params string[] lines)
    {
        File.WriteAllLines(folder["plan.jsonl"], lines);
        return BatchPlan.Read(folder["plan.jsonl"]).Items;
    }
}
