using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

public sealed class SamplingSettingsTests
{
    private static readonly SamplingSettings Default = new();

    private static readonly Dictionary<string, (string Setting, SamplingSettings Settings)> OutOfRange = new()
    {
        ["no steps"] = ("Steps", Default with { Steps = 0 }),
        ["too many steps"] = ("Steps", Default with { Steps = 1001 }),
        ["negative guidance"] = ("Guidance", Default with { Guidance = -0.1 }),
        ["too much guidance"] = ("Guidance", Default with { Guidance = 100.1 }),
        ["infinite guidance"] = ("Guidance", Default with { Guidance = double.PositiveInfinity }),
        ["guidance that is not a number"] = ("Guidance", Default with { Guidance = double.NaN }),
        ["negative rescale"] = ("GuidanceRescale", Default with { GuidanceRescale = -0.1 }),
        ["rescale above 1"] = ("GuidanceRescale", Default with { GuidanceRescale = 1.1 }),
        ["rescale that is not a number"] = ("GuidanceRescale", Default with { GuidanceRescale = double.NaN }),
        ["no chunks"] = ("Chunks", Default with { Chunks = 0 }),
        ["too many chunks"] = ("Chunks", Default with { Chunks = 1000 }),
        ["negative CLIP skip"] = ("ClipSkip", Default with { ClipSkip = -1 }),
    };

    public static TheoryData<string> Cases => [.. OutOfRange.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void ANumberOutOfRangeIsRefusedByName(string name)
    {
        var (setting, settings) = OutOfRange[name];
        var refused = Assert.Throws<InvalidInputException>(settings.Validate);
        Assert.Equal(setting, refused.Setting);
        Assert.StartsWith($"{setting}: ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BoundsThemselvesAreAllowed()
    {
        Default.Validate();
        (Default with { Steps = 1, Guidance = 0, GuidanceRescale = 1 }).Validate();
        (Default with { Steps = SamplingSettings.MaxSteps, Guidance = SamplingSettings.MaxGuidance }).Validate();
    }

    [Fact]
    public void ARefusalSaysTheValueAndTheRange() =>
        Assert.Equal(
            "Steps: 5000 is out of range. Use a number from 1 to 1000.",
            Assert.Throws<InvalidInputException>((Default with { Steps = 5000 }).Validate).Message);

    [Fact]
    public void WhatIsNotSetIsTheModelsOwn()
    {
        var config = new SchedulerConfig { StepsOffset = 1, TimestepSpacing = TimestepSpacing.Leading };
        Assert.Equal(config, Default.Configure(config));
        Assert.Equal(config with { StepsOffset = 0 }, (Default with { StepsOffset = 0 }).Configure(config));
        Assert.Equal(
            config with { TimestepSpacing = TimestepSpacing.Trailing }, (Default with { TimestepSpacing = TimestepSpacing.Trailing }).Configure(config));
    }

    [Fact]
    public void SizeConditioningIsTheImagesOwnSizeUnlessSet()
    {
        Assert.Equal(new(new(64, 32), 0, 0, new(64, 32)), Default.SizesOf(new(64, 32)));
        var settings = Default with { OriginalSize = new(8, 4), Crop = (1, 2), TargetSize = new(16, 2) };
        Assert.Equal(new(new(8, 4), CropTop: 2, CropLeft: 1, new(16, 2)), settings.SizesOf(new(64, 32)));
    }
}
