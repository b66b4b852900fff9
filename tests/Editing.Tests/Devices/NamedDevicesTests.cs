using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Concepts;
using PromptToPrompt.Editing.Edits;
using PromptToPrompt.Editing.Inpainting;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Maps;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Editing.Sessions;
using PromptToPrompt.Editing.Tests.Concepts;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Devices;

/// <summary>
/// No tensor of a run is made without saying on which device. These runs take place on the CPU while the default is the META device, whose
/// tensors have no numbers: one that was made on the default device fails the run where it meets the others. On a GPU, where the default is
/// the CPU, that same tensor would fail it too.
/// </summary>
public sealed class NamedDevicesTests : IClassFixture<SmallXlModel>, IDisposable
{
    private const int Steps = 2;
    private readonly SmallXlModel xl;
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly StableDiffusionModel model = EmbeddedModel.Load();

    public NamedDevicesTests(SmallXlModel xl)
    {
        this.xl = xl;
        set_default_device(META);
    }

    private static EditRequest Request { get; } = new()
    {
        Source = "a red house in a field",
        Targets = ["a red castle in a field", "a (blue:1.5) house in a field"],
        Steps = Steps,
        Guidance = 4,
    };

    public static TheoryData<SamplerKind> Samplers => [.. Enum.GetValues<SamplerKind>()];

    [Fact]
    public void ATensorOfTheDefaultDeviceIsNoticed()
    {
        using var unnamed = ones(2);
        using var named = ones(2, device: CPU);
        Assert.ThrowsAny<Exception>(() => named + unnamed);
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void EverySamplerNamesThem(SamplerKind sampler) => Edits(model, Request with { Sampler = sampler });

    [Theory]
    [InlineData(AlignmentKind.Replace)]
    [InlineData(AlignmentKind.Refine)]
    [InlineData(AlignmentKind.Naive)]
    public void EveryKindOfEditNamesThem(AlignmentKind kind) =>
        Edits(model, Request with { Edit = new EditSpecification { Kind = kind, Weights = [new WordWeight("house", 2)] }, Targets = ["a blue house in a field"] });

    [Fact]
    public void BlendingWatchingAndTracesNameThem()
    {
        var side = model.PictureSide;
        using var result = EditRun.Execute(model, Request with
        {
            Blend = BlendWords.Parse("house:castle:house"),
            BlendSubtract = BlendWords.Parse("field"),
            BlendStart = 0,
            Mask = White(side),
            WatchAttention = true,
            WatchSelfAttention = true,
            GuidanceRescale = 0.7,
            Trace = true,
        });
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
        using var session = new EditSession(model, Request, ScalarType.BFloat16);
        using var source = session.RunSource();
        using var edit = session.Edit(request => request with { Targets = Request.Targets, Blend = BlendWords.Parse("house:castle:house"), BlendStart = 0 });
        Assert.Equal(2, edit.Pictures.Count);
    }

    [Fact]
    public void AModelOfTwoTextEncodersNamesThem() =>
        Edits(xl.Model, Request with { Negative = "a (blue:1.4) castle", Source = "a (red:1.2) house in a field" });

    [Fact]
    public void LoadingAndTilesNameThem()
    {
        using var tiled = StableDiffusionModel.Load(EmbeddedModel.Folder(), options: new() { TiledVae = true });
        using var latents = tiled.Vae.Encode(zeros([1, 3, 64, 640], device: CPU));
        Assert.Equal([1, 3, 64, 640], tiled.Vae.Decode(latents).shape);
    }

    [Theory]
    [InlineData("ddim")]
    [InlineData("proximal")]
    [InlineData("bdia")]
    [InlineData("edit-friendly")]
    [InlineData("null-text")]
    public void EveryInversionAndItsEditNameThem(string method)
    {
        var settings = new InversionSettings { Method = method, Prompt = Request.Source, Steps = Steps, Guidance = 4, InnerSteps = 1 };
        using var latents = White(model.PictureSide).Encode(model.Vae, model.Device);
        using var inverted = InversionMethod.Invert(model, latents, settings);
        Edits(model, EditRequest.ForPicture(inverted) with { Targets = Request.Targets });
    }

    [Fact]
    public void InpaintingNamesThem()
    {
        var picture = White(model.PictureSide);
        using var result = InpaintRun.Execute(model, new InpaintRequest { Picture = picture, Mask = picture, Sampling = Request with { Targets = [] }, Feather = 4 });
        Assert.Equal(picture.Size, result.Picture.Size);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LearningAWordNamesThem(bool saveMemory)
    {
        var settings = new ConceptSettings { Word = "<my-cat>", Initial = "cat", Steps = 1, Batch = 1, SaveMemory = saveMemory };
        using var training = new ConceptTraining(model, settings, ConceptPictures.For(model));
        Assert.Single(training.Run());
        Assert.True(training.HeldOutLoss() > 0);
        using var said = training.Encode("a <my-cat>", new PixelSize(model.PictureSide, model.PictureSide)).Text;
        Assert.Equal(DeviceType.CPU, said.device_type);
    }

    public void Dispose()
    {
        set_default_device(CPU);
        model.Dispose();
        scope.Dispose();
    }

    private static Picture White(int side) => new(side, side, [.. Enumerable.Repeat(byte.MaxValue, 3 * side * side)]);

    private static void Edits(StableDiffusionModel model, EditRequest request)
    {
        using var result = EditRun.Execute(model, request);
        Assert.Equal(DeviceType.CPU, result.Latents.device_type);
        Assert.Equal(1 + request.Targets.Count, result.Pictures.Count);
    }
}
