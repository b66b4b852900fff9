using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Pipelines;

/// <summary>The entry point for programs.</summary>
[Trait("Category", "Slow")]
public sealed class PromptToPromptPipelineTests(PromptToPromptPipelineTests.Fixture fixture) : IClassFixture<PromptToPromptPipelineTests.Fixture>
{
    private const string White = "a white house in a field", Red = "a red house in a field", Blue = "a blue house in a field";

    private static readonly SamplingSettings Short = new() { Steps = 4, Guidance = 5, Seed = 4 };

    private PromptToPromptPipeline Pipeline => fixture.Pipeline;

    [Fact]
    public void AnImageAndItsEditAreThoseOfOneBatch()
    {
        var source = new GenerationRequest { Prompt = White, Sampling = Short with { Scheduler = SchedulerKind.Ddim, Negative = "snow", GuidanceRescale = 0.5 } };
        var edit = new EditRequest { Blend = "house", BlendThreshold = 0.8, BlendStart = 0 };
        using var together = EditRun.Execute(Pipeline.Model, source, edit with { Prompts = [Red] });
        using var white = Pipeline.Generate(White, source.Sampling);
        using var red = white.Edit(Red, edit);

        Assert.Equal(together.Images[0].Rgb, white.Image.Rgb);
        AssertClose(together.Latents.slice(0, 1, 2, 1), red.Result!.Latents, 1e-3, "edit");
        Assert.Equal((White, Red), (white.Prompt, red.Prompt));
    }

    [Fact]
    public void AnEditIsEditedLikeAnyImage()
    {
        using var red = EditOf(Pipeline.Generate(White, Short), Red);
        using var blue = red.Edit(Blue);
        using var free = red.Edit(Red, new EditRequest { CrossSteps = new(StepWindow.Until(0)), SelfSteps = StepWindow.Until(0) });

        Assert.NotEqual(red.Image.Rgb, blue.Image.Rgb);
        // Without attention control an edit depends on its words and noise alone, and both are those of the first image.
        using var plain = Pipeline.Generate(Red, Short);
        AssertClose(plain.Result!.Latents, free.Result!.Latents, 1e-3, "without control");

        // The edit owns what it needs: its source is gone.
        static EditableImage EditOf(EditableImage source, string prompt)
        {
            using var _ = source;
            return source.Edit(prompt);
        }
    }

    [Fact]
    public void ACustomProcessorComputesTheAttentionOfTheSourceAlone()
    {
        var counting = new CountingAttention();
        using var plain = Pipeline.Generate(White, Short);
        using var counted = Pipeline.Generate(White, Short, attention: counting);
        AssertClose(plain.Result!.Latents, counted.Result!.Latents, 1e-3, "plain attention");
        Assert.Equal(Enumerable.Range(0, Short.Steps), counting.Steps);

        counting.Steps.Clear();
        using var red = counted.Edit(Red);
        Assert.Empty(counting.Steps);
        Assert.NotEqual(plain.Image.Rgb, red.Image.Rgb);

        Assert.Throws<ArgumentException>(() => Pipeline.Generate(White, Short, new Observation { Attention = true }, counting));
    }

    [Theory]
    [InlineData("null-text", "")]
    [InlineData("direct", "snow")]
    public void ASavedInversionGivesTheSameEdits(string method, string negative)
    {
        using var folder = new TemporaryFolder();
        var path = folder["house.safetensors"];
        using var house = Pipeline.Generate(White, Short);
        var photo = house.Image.Resize(200, 150);
        byte[] before;
        using (var inverted = Pipeline.Invert(photo, White, Short with { Negative = negative }, InversionMethod.Named(method)))
        {
            using var edit = inverted.Edit(Red);
            before = edit.Image.Rgb;
            inverted.SaveInversion(path);
            Assert.Throws<InvalidOperationException>(() => edit.SaveInversion(path));
            inverted.Dispose();
            Assert.Throws<ObjectDisposedException>(() => inverted.SaveInversion(path));
        }

        using var loaded = Pipeline.LoadInversion(path, negative);
        using var again = loaded.Edit(Red);
        Assert.Equal(photo.Rgb, loaded.Image.Rgb);
        Assert.Equal(before, again.Image.Rgb);
        Assert.Throws<InvalidInputException>(() => Pipeline.LoadInversion(path + ".missing"));
        if (negative.Length == 0)
            Assert.Equal("Negative", Assert.Throws<InvalidInputException>(() => Pipeline.LoadInversion(path, "snow")).Setting);
    }

    [Fact]
    public async Task AModelIsPulledWithItsProgress()
    {
        using var cache = new TemporaryFolder();
        await using var hub = HubServer.Start();
        hub.Add("model_index.json", """{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}""")
            .Add("unet/config.json", "{}").Add("unet/diffusion_pytorch_model.safetensors", new byte[1000], isLarge: true);
        var settings = new HubSettings(new Dictionary<string, string> { ["HF_ENDPOINT"] = hub.Address.ToString(), ["HF_HUB_CACHE"] = cache.Path }.GetValueOrDefault);
        var progress = new List<PullProgress>();
        var folder = await PromptToPromptPipeline.PullAsync(settings, hub.Repository, progress: new Each<PullProgress>(progress.Add));

        Assert.Equal(1000, new FileInfo(Path.Combine(folder, "unet", "diffusion_pytorch_model.safetensors")).ResolveLinkTarget(true) is FileInfo file ? file.Length : 0);
        Assert.Equal(progress[^1].Total, progress[^1].Done);
        await Assert.ThrowsAsync<InvalidInputException>(() => PromptToPromptPipeline.PullAsync(settings, hub.Repository + "@none"));
    }

    [Theory]
    [InlineData(FramingKind.Crop)]
    [InlineData(FramingKind.Fit)]
    public void EditsOfAGivenImageHaveItsSize(FramingKind frame)
    {
        using var house = Pipeline.Generate(White, Short);
        var photo = house.Image.Resize(200, 150);
        using var inverted = Pipeline.Invert(photo, White, Short, new DirectInversion(), frame);
        using var red = inverted.Edit(Red, new EditRequest { Mask = photo with { Rgb = [.. Enumerable.Repeat(byte.MaxValue, photo.Rgb.Length)] } });
        using var blue = red.Edit(Blue);

        Assert.Equal("direct", inverted.Inversion!.Settings.Method.Name);
        Assert.All([inverted, red, blue], image => Assert.Equal(photo.Size, image.Image.Size));
        Assert.NotEqual(red.Image.Rgb, blue.Image.Rgb);
    }

    [Fact]
    public void AGivenImageStaysSharpWhereItsEditsChangeNothing()
    {
        using var house = Pipeline.Generate(White, Short);
        var photo = Grained(house.Image.Resize(300, 200));
        var left = photo with { Rgb = [.. photo.Rgb.Select((_, i) => i / 3 % 300 < 150 ? byte.MaxValue : (byte)0)] };
        var right = photo with { Rgb = [.. left.Rgb.Select(value => (byte)~value)] };
        using var inverted = Pipeline.Invert(photo, White, Short, new DirectInversion());
        using var red = inverted.Edit(Red, new EditRequest { Mask = left });
        using var blue = red.Edit(Blue, new EditRequest { Mask = right });

        Assert.Same(photo, inverted.Image);
        Assert.All(Outside(left), i => Assert.Equal(photo.Rgb[i], red.Image.Rgb[i]));
        Assert.NotEqual(photo.Rgb, red.Image.Rgb);
        // An edit of an edit changes the edited image, and nothing outside its own mask.
        Assert.All(Outside(right), i => Assert.Equal(red.Image.Rgb[i], blue.Image.Rgb[i]));
        Assert.NotEqual(red.Image.Rgb, blue.Image.Rgb);
        // The model's own images are still there.
        Assert.Equal(red.Result!.Images[0].Rgb, red.Output.Rgb);
        Assert.All([inverted, red, blue], image => Assert.Equal(house.Image.Size, image.Output.Size));

        static IEnumerable<int> Outside(Image mask) => Enumerable.Range(0, mask.Rgb.Length).Where(i => mask.Rgb[i] == 0);

        // Finer than the autoencoder can keep.
        static Image Grained(Image picture) => picture with { Rgb = [.. picture.Rgb.Select((value, i) => (byte)Math.Clamp(value + (i * 7919 % 31) - 15, 0, 255))] };
    }

    [Fact]
    public void AnImageOfAnotherSchedulerIsEditedOnce()
    {
        using var white = Pipeline.Generate(White, Short with { Scheduler = SchedulerKind.Euler });
        using var red = white.Edit(Red);
        Assert.Equal(SchedulerKind.Euler, red.Result!.Scheduler);
        Assert.Contains("ddim", Assert.Throws<InvalidInputException>(() => red.Edit(Blue)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASourceThatIsTooLargeToRecordSharesABatchWithItsEdits()
    {
        using var small = PromptToPromptPipeline.Load(Pipeline.Model.Directory, new() { Device = "cpu", MaxRecordingBytes = 1 << 10 });
        using var white = small.Generate(White, Short);
        using var red = white.Edit(Red);
        using var blue = red.Edit(Blue);
        using var usual = Pipeline.Generate(White, Short);
        using var recorded = usual.Edit(Red);
        AssertClose(recorded.Result!.Latents, red.Result!.Latents, 1e-3, "edit");
        Assert.Equal((Red, Blue), (red.Prompt, blue.Prompt));
        Assert.NotEqual(red.Image.Rgb, blue.Image.Rgb);
    }

    [Fact]
    public void SettingsOfAnInversionCountForItsEdits()
    {
        using var house = Pipeline.Generate(White, Short);
        using var plain = Pipeline.Invert(house.Image, White, Short, new DirectInversion());
        using var rescaled = Pipeline.Invert(house.Image, White, Short with { GuidanceRescale = 0.7 }, new DirectInversion());
        using var one = plain.Edit(Red);
        using var other = rescaled.Edit(Red);
        Assert.NotEqual(one.Image.Rgb, other.Image.Rgb);
        var refused = Assert.Throws<InvalidInputException>(() => Pipeline.Invert(house.Image, White, Short with { Scheduler = SchedulerKind.Euler }));
        Assert.Equal(nameof(SamplingSettings.Scheduler), refused.Setting);
    }

    [Fact]
    public void LargerLayersAreRecordedWhenAnEditAsksForThem()
    {
        using var white = Pipeline.Generate(White, Short);
        using var usual = white.Edit(Red);
        var wide = new EditRequest { SelfResolution = 64, SelfSteps = StepWindow.Always };
        using var wider = white.Edit(Red, wide);
        using var together = EditRun.Execute(Pipeline.Model, new GenerationRequest { Prompt = White, Sampling = Short with { Scheduler = SchedulerKind.Ddim } }, wide with { Prompts = [Red] });
        AssertClose(together.Latents.slice(0, 1, 2, 1), wider.Result!.Latents, 1e-3, "wide");
    }

    [Fact]
    public void ADisposedImageIsNotEdited()
    {
        var white = Pipeline.Generate(White, Short);
        white.Dispose();
        Assert.Throws<ObjectDisposedException>(() => white.Edit(Red));
    }

    [Fact]
    public void InpaintingKeepsWhatIsOutsideTheMask()
    {
        using var house = Pipeline.Generate(White, Short);
        var (image, half) = (house.Image, house.Image.Width / 2);
        var mask = image with { Rgb = [.. Enumerable.Range(0, image.Rgb.Length).Select(i => i / 3 % image.Width < half ? byte.MaxValue : (byte)0)] };
        var filled = Pipeline.Inpaint(image, mask, Red, Short);
        Assert.All(Enumerable.Range(0, image.Rgb.Length).Where(i => mask.Rgb[i] == 0), i => Assert.Equal(image.Rgb[i], filled.Rgb[i]));
        Assert.NotEqual(image.Rgb, filled.Rgb);
    }

    [Fact]
    public async Task CallsFromSeveralThreadsTakeTurns()
    {
        using var source = Pipeline.Generate(White, Short);
        var edits = await Task.WhenAll(new[] { Red, Blue, Red, Blue }.Select(prompt => Task.Run(() => source.Edit(prompt))));
        Assert.Equal(edits[0].Image.Rgb, edits[2].Image.Rgb);
        Assert.Equal(edits[1].Image.Rgb, edits[3].Image.Rgb);
        Assert.NotEqual(edits[0].Image.Rgb, edits[1].Image.Rgb);
        Array.ForEach(edits, edit => edit.Dispose());
    }

    [Fact]
    public void ProgressIsReportedAndARunCanBeCancelled()
    {
        using var stop = new CancellationTokenSource();
        var steps = new List<int>();
        Assert.Throws<OperationCanceledException>(() => Pipeline.Generate(White, Short, progress: new Each<EditProgress>(p =>
        {
            steps.Add(p.Step);
            if (p.Step == 2)
                stop.Cancel();
        }), cancellationToken: stop.Token));
        Assert.Equal([1, 2], steps);
    }

    [Fact]
    public void NothingIsLeftBehind()
    {
        Run();
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        Run();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);

        void Run()
        {
            using var white = Pipeline.Generate(White, Short);
            using var red = white.Edit(Red);
            using var inverted = Pipeline.Invert(red.Image, Red, Short, new NullTextInversion { InnerSteps = 1 });
            inverted.Edit(Blue).Dispose();
            Assert.Throws<InvalidInputException>(() => white.Edit(Red, new EditRequest { Blend = "zebra" }));
        }
    }

    [Fact]
    public void AModelThatIsNotThereIsOneClearError() =>
        Assert.Contains("models/nothing", Assert.Throws<InvalidInputException>(() => PromptToPromptPipeline.Load("nothing")).Message, StringComparison.Ordinal);

    public sealed class Fixture : IDisposable
    {
        private readonly TinyModel small = new();

        public Fixture() => Pipeline = PromptToPromptPipeline.Load(small.Model.Directory, new() { Device = "cpu" });

        public PromptToPromptPipeline Pipeline { get; }

        public void Dispose()
        {
            Pipeline.Dispose();
            small.Dispose();
        }
    }

    private sealed class Each<T>(Action<T> act) : IProgress<T>
    {
        public void Report(T value) => act(value);
    }

    private sealed class CountingAttention : AttentionProcessor
    {
        public SortedSet<int> Steps { get; } = [];

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            Steps.Add(call.Step.Index);
            return Plain.Attend(call, query, key, value);
        }
    }
}
