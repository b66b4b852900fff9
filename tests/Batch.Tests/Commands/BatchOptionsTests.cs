using System.CommandLine;
using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Diffusion;
using TorchSharp;

namespace PromptToPrompt.Batch.Tests.Commands;

public sealed class BatchOptionsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public BatchOptionsTests() => File.WriteAllText(folder["plan.jsonl"], """{"source": "a cat in the snow", "target": "a dog in the snow"}""");

    [Fact]
    public void EverySettingOfAPlanIsAnOption()
    {
        var options = CommandLine.Create(default).Subcommands.Single(command => command.Name == "batch").Options.Select(option => option.Name);
        Assert.Empty(BatchSettings.All.Select(setting => $"--{setting.Name.Replace('_', '-')}").Except(options));
    }

    [Fact]
    public void FlagsNeedNoValue()
    {
        var command = new Command("batch");
        var plan = new Argument<string>("plan");
        command.Add(plan);
        var options = new BatchOptions().AddTo(command);
        Assert.Equal([], Settings(folder["plan.jsonl"]));
        Assert.Equal([new("self_unconditional", "true")], Settings("--self-unconditional", folder["plan.jsonl"]));
        Assert.Contains(new("self_unconditional", "false"), Settings(folder["plan.jsonl"], "--preset", "instruct-pix2pix", "--self-unconditional", "false"));

        var parsed = command.Parse([folder["plan.jsonl"], "--preset", "instruct-pix2pix", "--guidance", "3..4"], CommandLine.Parsing);
        var preset = options.Read(parsed, BatchPlan.Read(folder["plan.jsonl"])).Preset;
        Assert.True(preset.Has("self") && !preset.Has("guidance"));

        IEnumerable<KeyValuePair<string, string>> Settings(params string[] arguments)
        {
            var parse = command.Parse(arguments, CommandLine.Parsing);
            return options.Read(parse, BatchPlan.Read(parse.GetValue(plan)!)).Settings.All;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true, "--preset", "instruct-pix2pix")]
    [InlineData(false, "--preset", "instruct-pix2pix", "--clip", "folder")]
    [InlineData(false, "--preset", "instruct-pix2pix", "--filter-command", "judge")]
    public void APresetWithoutItsModelLacksFilters(bool lacks, params string[] arguments)
    {
        var command = new Command("batch");
        var options = new BatchOptions().AddTo(command);
        Assert.Equal(lacks, options.LacksFilters(command.Parse(arguments, CommandLine.Parsing)));
    }

    [Fact]
    [Trait("Category", "Reference")]
    public void FiltersComputeOnTheDeviceOfTheRun()
    {
        var command = new Command("batch");
        var options = new BatchOptions().AddTo(command);
        var parse = command.Parse(
            ["--clip", ReferenceFolder.Require("tiny-clip"), "--clip-tokenizer", ReferenceFolder.Require("tiny-sd15", "tokenizer"), "--dino", ReferenceFolder.Require("tiny-dino")], CommandLine.Parsing);
        foreach (var device in new[] { torch.CPU, torch.META })
        {
            using var filter = (MeasureFilter)Assert.Single(options.OpenFilters(parse, device));
            Assert.Equal((device.type, device.type), (filter.Clip!.Device.type, filter.Dino!.Device.type));
        }
    }

    [Theory]
    [InlineData("--self: 2 is out of range.", "--self", "0.1..2")]
    [InlineData("--shard-size: 0 is out of range.", "--shard-size", "0")]
    [InlineData("--partitions: 0 is out of range.", "--partitions", "0")]
    [InlineData("--keep: clip_image is measured by a CLIP model. Add --clip.", "--keep", "clip_image>=0.7")]
    [InlineData("--best: No score tells which samples are best.", "--best", "4")]
    [InlineData("--best-by: No filter gives \"beauty\". Add --clip, or a filter that gives a score.", "--best", "4", "--best-by", "beauty")]
    [InlineData("--best-by: No filter gives \"ssim\". Use score.", "--best", "4", "--best-by", "ssim", "--filter-command", "judge")]
    [InlineData("--best-by: No filter gives \"score\". Use psnr, mse or ssim.", "--best", "4", "--best-by", "score", "--keep", "ssim>=0.5")]
    [InlineData("--filter-url: \"nowhere\" is not an address.", "--filter-url", "nowhere")]
    [InlineData("--clip: nowhere does not exist.", "--clip", "nowhere")]
    [InlineData("--partition: 4 is out of range. Use a number from 0 to 3.", "--partition", "4", "--partitions", "4")]
    [InlineData("--quality: PNG has no quality.", "--quality", "80")]
    [InlineData("PLAN, line 1, \"blend\": \"elephant\"", "--blend", "elephant")]
    public void WhatIsWrongIsSaidBeforeTheModelIsLoaded(string problem, params string[] options)
    {
        var parse = CommandLine.Create(default).Parse(["batch", folder["plan.jsonl"], "-o", folder["out"], .. options], CommandLine.Parsing);
        var error = Assert.Throws<InvalidInputException>(() => parse.Invoke(CommandLine.Invoking));
        Assert.StartsWith(problem.Replace("PLAN", folder["plan.jsonl"], StringComparison.Ordinal), CommandLine.Describe(error, parse), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
    }

    public void Dispose() => folder.Dispose();
}
