using System.Runtime.InteropServices;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Prompts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Devices;

/// <summary>
/// What a step does beside the network stays on the device of the run and never waits for it. libtorch's META device stands for a GPU here:
/// element by element its tensors refuse to meet those of the CPU, and to look at a number of one or to copy it away is an error. (Nor
/// convolutions nor the fused attention can run on it without Python: NamedDevicesTests sees to the network.)
/// </summary>
public sealed class OneDeviceTests : IDisposable
{
    private const int Steps = 4, Side = 8, Tokens = 77;
    private static readonly AttentionSite Cross = new(0, UNetStage.Mid, AttentionKind.Cross, "attn2"), Self = new(1, UNetStage.Mid, AttentionKind.Self, "attn1");
    private readonly DisposeScope scope = NewDisposeScope();

    public static TheoryData<SchedulerKind> Schedulers => [.. Enum.GetValues<SchedulerKind>()];

    [Fact]
    public void TheDeviceRefusesToMixAndToBeLookedAt()
    {
        var (here, there) = (ones(2, 2), ones([2, 2], device: META));
        Assert.ThrowsAny<ExternalException>(() => there + here);
        Assert.ThrowsAny<ExternalException>(() => there.sum().ToDouble());
        Assert.ThrowsAny<ExternalException>(() => there.cpu());
    }

    [Theory]
    [MemberData(nameof(Schedulers))]
    public void EverySchedulerStays(SchedulerKind kind)
    {
        using var scheduler = new SchedulerConfig { Pndm = new() { SkipPrkSteps = true }, Ddim = new() { ClipSample = true }, Lcm = new() { ClipSample = true } }.CreateScheduler(kind, Steps);
        var latents = zeros([2, 4, Side, Side], device: META) * Native(scheduler.InitialNoiseSigma);
        for (var i = 0; i < scheduler.Timesteps.Count; i++)
        {
            var output = scheduler.ScaleModelInput(latents, i).tanh();
            Assert.Equal(DeviceType.META, scheduler.PredictSample(output, i, latents).device_type);
            latents = scheduler.Step(output, i, latents);
            Assert.Equal(DeviceType.META, latents.device_type);
        }

        Assert.Equal(DeviceType.META, scheduler.AddNoise(latents, latents, scheduler.Timesteps[0]).device_type);
    }

    [Theory]
    [InlineData(AlignmentKind.Auto, false)]
    [InlineData(AlignmentKind.Auto, true)]
    [InlineData(AlignmentKind.Replace, false)]
    [InlineData(AlignmentKind.Refine, true)]
    [InlineData(AlignmentKind.Naive, false)]
    public void EveryKindOfEditStays(AlignmentKind kind, bool watched)
    {
        using var maps = watched ? new AttentionMaps(Side, Side) : null;
        using var self = watched ? new SelfAttentionMap(Side, Side) : null;
        using var attention = new EditAttentionProcessor([null, Edit(kind)], null, maps, self);
        for (var step = 0; step < Steps; step++)
            Attend(attention, step, [new(0, false), new(1, false), new(0, true), new(1, true)]);
        Assert.Equal(watched ? DeviceType.META : null, maps?.Mean(1).device_type);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void ARecordingIsWhereTheRunIs(ScalarType keptIn)
    {
        using var recording = new SourceRecording(keptIn);
        using var attention = new EditAttentionProcessor([null, Edit(AlignmentKind.Auto)], recording);
        for (var step = 0; step < Steps; step++)
            Attend(attention, step, [new(0, false), new(0, true)]);
        Assert.True(recording.Bytes > 0);
        for (var step = 0; step < Steps; step++)
            Attend(attention, step, [new(1, false), new(1, true)]);
    }

    [Fact]
    public void LocalBlendStays()
    {
        using var maps = new AttentionMaps(Side, Side);
        using var attention = new EditAttentionProcessor([null, null], maps: maps);
        Attend(attention, 0, [new(0, true), new(1, true)]);
        var own = ones([2 * Side, 2 * Side], ScalarType.Bool, META);
        LocalBlend[] blends =
        [
            new(new EditRequest(), include: [[1, 2], []], subtract: null, own: null, maps, Steps),
            new(new EditRequest(), include: null, subtract: [[3], [3]], own, maps, Steps),
            new(new EditRequest(), include: null, subtract: null, own, maps, Steps),
        ];
        foreach (var blend in blends)
        {
            var latents = zeros([2, 4, 2 * Side, 2 * Side], device: META);
            var masks = blend.Masks(0, 2, 2 * Side, 2 * Side, latents.device);
            Assert.Equal(DeviceType.META, masks.device_type);
            var edits = masks.narrow(0, masks.shape[0] - 1, 1);
            Assert.Equal(DeviceType.META, LocalBlend.Blend(latents.narrow(0, 1, 1), latents.narrow(0, 0, 1), edits).device_type);
        }
    }

    [Fact]
    public void StartingNoiseIsDrawnOnTheCpuAndMoved()
    {
        using var model = StableDiffusionModel.Load(EmbeddedModel.Folder(), META);
        Assert.Equal(DeviceType.META, InitialNoise.FromSeed(model, 0, model.ImageSide, model.ImageSide).device_type);
    }

    public void Dispose() => scope.Dispose();

    private static Scalar Native(double value) => Diffusion.Native.NativeScalar.Scalar(value);

    private static EditSchedule Edit(AlignmentKind kind)
    {
        var tokenizer = StableDiffusionModel.LoadTokenizer(EmbeddedModel.Folder());
        var request = new EditRequest { Alignment = kind, Weights = [new WordWeight("house", 2)] };
        return EditSchedule.Create(tokenizer.Tokenize("a red house in a field"), tokenizer.Tokenize("a blue house in a field"), request, Steps);
    }

    private static void Attend(EditAttentionProcessor attention, int index, BatchRow[] rows)
    {
        var step = new DenoisingStep(index, 900 - index, rows);
        var (query, text) = (zeros([rows.Length, 2, Side * Side, 16], ScalarType.BFloat16, META), zeros([rows.Length, 2, Tokens, 16], ScalarType.BFloat16, META));
        foreach (var (site, key) in (ReadOnlySpan<(AttentionSite, Tensor)>)[(Self, query), (Cross, text)])
        {
            var attended = attention.Attend(new AttentionCall(site, step, Side, Side), query, key, key);
            Assert.Equal(DeviceType.META, attended.device_type);
            Assert.Equal(query.shape, attended.shape);
        }
    }
}
