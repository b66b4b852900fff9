using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

/// <summary>An inversion on disk is the inversion, and fits its model alone.</summary>
public sealed class InversionFileTests(InvertedDrawings drawings) : IClassFixture<InvertedDrawings>, IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    public static TheoryData<string> Methods => [.. InversionMethod.Names];

    internal static InversionFile File(InvertedDrawings drawings, InvertedImage found)
        => new(found, drawings.Image, drawings.Model.Frame(FramingKind.Crop, drawings.Image.Size));

    internal static void AssertSame(InvertedImage expected, InvertedImage actual)
    {
        Assert.Equal(expected.Settings, actual.Settings);
        Assert.Equal(expected.FinishedSteps, actual.FinishedSteps);
        Assert.Equal(expected.Losses, actual.Losses);
        Assert.True(expected.Latents.Equals(actual.Latents));
        Assert.True(expected.SourceTrajectory.Equals(actual.SourceTrajectory));
        Assert.Equal(expected.StepNoise is null, actual.StepNoise is null);
        Assert.True(expected.StepNoise is null || expected.StepNoise.Equals(actual.StepNoise!));
        // One embedding for all steps is written step by step.
        Assert.True(expected.Unconditional is null
            ? actual.Unconditional is null
            : expected.Unconditional.Text.expand_as(actual.Unconditional!.Text).Equals(actual.Unconditional.Text));
        Assert.True(expected.Unconditional?.Vector is null
            ? actual.Unconditional?.Vector is null
            : expected.Unconditional.Vector.Equals(actual.Unconditional!.Vector!));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void WhatIsReadIsWhatWasWritten(string method)
    {
        var file = File(drawings, drawings.Invert(InvertedDrawings.Settings(method)));
        file.Save(folder["inversion"], drawings.Model);
        using var read = InversionFile.Load(folder["inversion"], drawings.Model);
        AssertSame(file.Inverted, read.Inverted);
        Assert.True(read.IsOf(drawings.Model, file.Inverted.Settings, file.Image, file.Framing));
        var sized = file.Inverted.Settings with { Sampling = file.Inverted.Settings.Sampling with { Size = new(64, 64) } };
        Assert.True(read.IsOf(drawings.Model, sized, file.Image, file.Framing));
        var guided = file.Inverted.Settings with { Sampling = file.Inverted.Settings.Sampling with { Guidance = 3 } };
        Assert.False(read.IsOf(drawings.Model, guided, file.Image, file.Framing));
        AssertClose(drawings.Retrace(file.Inverted), drawings.Retrace(read.Inverted), 1e-6, method);
    }

    // The steps of one type and the rest of another would be no inversion that can be made again.
    [Fact]
    public void AnInversionInAnotherTypeIsNotGoneOnWith()
    {
        var file = File(drawings, drawings.Invert(InvertedDrawings.Settings("direct")));
        file.Save(folder["inversion"], drawings.Model);
        using var rounded = StableDiffusionModel.Load(drawings.Model.Directory, dtype: ScalarType.BFloat16);
        using var read = InversionFile.Load(folder["inversion"], rounded);
        Assert.False(read.IsOf(rounded, file.Inverted.Settings, file.Image, file.Framing));
    }

    [Fact]
    public void AnotherModelIsRefused()
    {
        File(drawings, drawings.Invert(InvertedDrawings.Settings("direct"))).Save(folder["inversion"], drawings.Model);
        var model = folder.Copy(drawings.Model.Directory, "model");
        var config = Path.Combine(model, "scheduler", "scheduler_config.json");
        System.IO.File.WriteAllText(config, System.IO.File.ReadAllText(config).Replace("0.012", "0.013", StringComparison.Ordinal));
        using var other = StableDiffusionModel.Load(model);
        Assert.Contains("a different model", Refused(() => InversionFile.Load(folder["inversion"], other)), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNoInversionIsRefused()
    {
        var weights = Path.Combine(EmbeddedModel.Folder(), "vae", "diffusion_pytorch_model.safetensors");
        Assert.Contains("not an inversion", Refused(() => InversionFile.Load(weights, drawings.Model)), StringComparison.Ordinal);
        System.IO.File.WriteAllBytes(folder["torn"], [1, 2, 3]);
        Refused(() => InversionFile.Load(folder["torn"], drawings.Model));
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    private static string Refused(Action load)
    {
        var message = Assert.Throws<InvalidInputException>(load).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
