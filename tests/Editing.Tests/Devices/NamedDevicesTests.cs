using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Tests.TextualInversion;
using PromptToPrompt.Editing.TextualInversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Devices;

/// <summary>
/// No tensor of a run is made without saying on which device. These runs take place on the CPU while the default is the META device, whose
/// tensors have no numbers: one that was made on the default device fails the run where it meets the others. On a GPU, where the default is
/// the CPU, that same tensor would fail it too.
/// </summary>
[Collection<NamedDevicesTests.DefaultDevice>]
public sealed class NamedDevicesTests : IClassFixture<TinyModel>, IClassFixture<TinyXlModel>, IDisposable
{
    private const int Steps = 2;
    private readonly StableDiffusionModel model, xl;
    private readonly DisposeScope scope = NewDisposeScope();

    public NamedDevicesTests(TinyModel small, TinyXlModel smallXl)
    {
        (model, xl) = (small.Model, smallXl.Model);
        set_default_device(META);
    }

    private static GenerationRequest Source { get; } = new() { Prompt = "a red house in a field", Sampling = new() { Steps = Steps, Guidance = 4 } };

    private static EditRequest Edit { get; } = new() { Prompts = ["a red castle in a field", "a (blue:1.5) house in a field"] };

    public static TheoryData<SchedulerKind> Schedulers => [.. Enum.GetValues<SchedulerKind>()];

    [Fact]
    public void ATensorOfTheDefaultDeviceIsNoticed()
    {
        using var unnamed = ones(2);
        using var named = ones(2, device: CPU);
        Assert.ThrowsAny<Exception>(() => named + unnamed);
    }

    [Theory]
    [MemberData(nameof(Schedulers))]
    public void EverySchedulerKnowsThem(SchedulerKind scheduler) => Edits(model, Source with { Sampling = Source.Sampling with { Scheduler = scheduler } }, Edit);

    [Theory]
    [InlineData(AlignmentKind.Replace)]
    [InlineData(AlignmentKind.Refine)]
    [InlineData(AlignmentKind.Naive)]
    public void EveryKindOfEditNamesThem(AlignmentKind kind) =>
        Edits(model, Source, new EditRequest { Prompts = ["a blue house in a field"], Alignment = kind, Weights = [new WordWeight("house", 2)] });

    [Fact]
    public void BlendingWatchingAndTracesNameThem()
    {
        var side = model.ImageSide;
        var source = Source with { Sampling = Source.Sampling with { GuidanceRescale = 0.7 } };
        var edit = Edit with
        {
            Blend = BlendWords.Parse("house:castle:house"),
            BlendSubtract = BlendWords.Parse("field"),
            BlendStart = 0,
            Mask = White(side),
        };
        using var result = EditRun.Execute(model, source, edit, new Observation { Attention = true, SelfAttention = true, Trace = true });
        Assert.NotEmpty(result.SelfAttention!.Components(1));
        using var mean = result.Maps!.Mean(0);
        Assert.NotEmpty(AttentionMaps.OfTokens(mean, [1, 2]));
        Assert.NotNull(result.LastMask(1));
        var trace = Path.GetTempFileName();
        result.SaveTrace(trace);
        Assert.True(new FileInfo(trace).Length > 0);
        File.Delete(trace);
    }

    [Fact]
    public void RecordedSourcesNameThem()
    {
        using var session = new EditSession(model, Source, ScalarType.BFloat16, long.MaxValue);
        using var source = session.RunSource();
        using var edit = session.Edit(Edit with { Blend = BlendWords.Parse("house:castle:house"), BlendStart = 0 });
        Assert.Equal(2, edit.Images.Count);
    }

    [Fact]
    public void AModelOfTwoTextEncodersNamesThem() =>
        Edits(xl, new() { Prompt = "a (red:1.2) house in a field", Sampling = Source.Sampling with { Negative = "a (blue:1.4) castle" } }, Edit);

    [Fact]
    public void LoadingAndTilesNameThem()
    {
        using var tiled = StableDiffusionModel.Load(model.Directory, options: new() { TiledVae = true });
        using var latents = tiled.Vae.Encode(zeros([1, 3, 64, 640], device: CPU));
        Assert.Equal([1, 3, 64, 640], tiled.Vae.Decode(latents).shape);
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("proximal")]
    [InlineData("bdia")]
    [InlineData("edit-friendly")]
    [InlineData("virtual")]
    [InlineData("null-text")]
    public void EveryInversionAndItsEditNameThem(string method)
    {
        var settings = new InversionSettings
        {
            Method = method == "null-text" ? new NullTextInversion { InnerSteps = 1 } : InversionMethod.Named(method),
            Prompt = Source.Prompt,
            Sampling = Source.Sampling,
        };
        using var latents = model.Vae.EncodeImage(White(model.ImageSide), model.Device);
        using var inverted = InversionMethod.Invert(model, latents, settings);
        Edits(model, GenerationRequest.Of(inverted), Edit);
    }

    [Fact]
    public void InpaintingNamesThem()
    {
        var image = White(model.ImageSide);
        var request = new InpaintRequest { Image = image, Mask = image, Prompt = Source.Prompt, Sampling = Source.Sampling, Feather = 4 };
        using var result = InpaintRun.Execute(model, request);
        Assert.Equal(image.Size, result.Image.Size);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LearningAWordNamesThem(bool saveMemory)
    {
        var settings = new TextualInversionSettings { Word = "<my-cat>", Initial = "cat", Steps = 1, Batch = 1, SaveMemory = saveMemory };
        using var training = new TextualInversionTraining(model, settings, ConceptImages.For(model));
        Assert.Single(training.Run());
        Assert.True(training.HeldOutLoss() > 0);
        using var said = training.Encode("a <my-cat>", new PixelSize(model.ImageSide, model.ImageSide)).Text;
        Assert.Equal(DeviceType.CPU, said.device_type);
    }

    public void Dispose()
    {
        set_default_device(CPU);
        scope.Dispose();
    }

    /// <summary>The default device is the process's, so no other test runs beside these.</summary>
    [CollectionDefinition(DisableParallelization = true)]
    public sealed class DefaultDevice;

    private static Image White(int side) => new(side, side, [.. Enumerable.Repeat(byte.MaxValue, 3 * side * side)]);

    private static void Edits(StableDiffusionModel model, GenerationRequest source, EditRequest edit)
    {
        using var result = EditRun.Execute(model, source, edit);
        Assert.Equal(DeviceType.CPU, result.Latents.device_type);
        Assert.Equal(1 + edit.Prompts.Count, result.Images.Count);
    }
}
