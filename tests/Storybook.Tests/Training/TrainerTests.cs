using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Storybook.Training;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class TrainerTests(UntrainedAutoencoder untrained) : IClassFixture<UntrainedAutoencoder>, IDisposable
{
    private const long AutoencoderImages = 16;
    private const long DenoiserImages = 24;
    private readonly TemporaryFolder folder = new();

    public static TheoryData<ScalarType> Types => [ScalarType.Float32, ScalarType.BFloat16];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Types))]
    public void AnInterruptedAutoencoderEndsLikeAnUninterruptedOne(ScalarType type)
    {
        var target = new TrainingDevice(CPU, type);
        Autoencoder(target, folder["whole"], stops: 0);
        // Before and after the discriminator joins, and with another number of drawing threads.
        Autoencoder(target, folder["parts"], stops: 4, threads: 2);
        AssertSame("whole", "parts");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void AnInterruptedDenoiserEndsLikeAnUninterruptedOne(ScalarType type)
    {
        var target = new TrainingDevice(CPU, type);
        Denoiser(target, folder["whole"], stops: 0);
        // Inside a batch of the pool, and where the drawings repeat.
        Denoiser(target, folder["parts"], stops: 6, threads: 2);
        AssertSame("whole", "parts");
    }

    [Fact]
    public void AStateOfOneTypeResumesInTheOther()
    {
        var (exact, rounded) = (new TrainingDevice(CPU, ScalarType.Float32), new TrainingDevice(CPU, ScalarType.BFloat16));
        Autoencoder(exact, folder["exact"], stops: 0);
        Autoencoder(rounded, folder["rounded"], stops: 3, next: exact);
        using var scope = NewDisposeScope();
        using var one = SafetensorsFile.Open(folder["exact"]);
        using var other = SafetensorsFile.Open(folder["rounded"]);
        Assert.All(one.Tensors.Where(entry => entry.Key != "generator"), entry => Assert.Equal(entry.Value.DType, other.Tensors[entry.Key].DType));
        Assert.Equal(ScalarType.Float32, one.Tensors["master"].DType);
        AssertClose(one.Read("master"), other.Read("master"), 0.05);
    }

    [Fact]
    public void AStateWithoutRandomNumbersStillResumes()
    {
        var target = new TrainingDevice(CPU, ScalarType.Float32);
        Denoiser(target, folder["state"], stops: 2, end: false);
        using (var file = SafetensorsFile.Open(folder["state"]))
        {
            var tensors = file.Tensors.Keys.Where(name => name != "generator").ToDictionary(name => name, file.Read);
            SafetensorsWriter.Write(folder["old"], tensors);
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
        }

        using var trainer = SmallRecipe.Denoiser(target, untrained.Vae);
        trainer.Resume(folder["old"]);
        Assert.Equal(2, trainer.Parameters.Steps);
    }

    // Whatever is trained: the noise of the first steps must not come again.
    [Fact]
    public void WithoutRandomNumbersAnAutoencoderGetsOthers()
    {
        var target = new TrainingDevice(CPU, ScalarType.Float32);
        Autoencoder(target, folder["state"], stops: 2);
        using (var file = SafetensorsFile.Open(folder["state"]))
        {
            using var scope = NewDisposeScope();
            SafetensorsWriter.Write(folder["old"], [.. file.Tensors.Keys.Where(name => name != "generator").Select(name => KeyValuePair.Create(name, file.Read(name)))]);
        }

        using var trained = SmallRecipe.Autoencoder(target);
        trained.Resume(folder["old"]);
        trained.Save(folder["resumed"]);
        using var fresh = SmallRecipe.Autoencoder(target);
        fresh.Save(folder["fresh"]);
        using var numbers = NewDisposeScope();
        using var resumed = SafetensorsFile.Open(folder["resumed"]);
        using var begun = SafetensorsFile.Open(folder["fresh"]);
        Assert.False(resumed.Read("generator").Equals(begun.Read("generator")));
    }

    [Fact]
    public void AStateOfAnotherRecipeIsRefused()
    {
        var target = new TrainingDevice(CPU, ScalarType.Float32);
        Denoiser(target, folder["state"], stops: 1, end: false);
        using var trainer = SmallRecipe.Autoencoder(target);
        Assert.Contains("train into another directory", Assert.Throws<InvalidInputException>(() => trainer.Resume(folder["state"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheAutoencoderIsMeasuredOnHeldOutDrawings()
    {
        using var trainer = SmallRecipe.Autoencoder(new(CPU, ScalarType.Float32));
        var reports = trainer.Train(AutoencoderImages, TestContext.Current.CancellationToken).ToList();
        Assert.Null(reports[0].HeldOut);
        Assert.InRange(reports[^1].HeldOut!.Psnr, 3, 40);
    }

    [Fact]
    public void CropsOfTheAutoencoderAreReproducible()
    {
        var recipe = SmallRecipe.Create();
        var cropped = recipe with { Autoencoder = recipe.Autoencoder with { CropSide = 16 } };
        foreach (var name in new[] { "one", "two" })
        {
            using var trainer = new AutoencoderTrainer(cropped, seed: 3, new(CPU, ScalarType.Float32));
            Assert.NotEmpty(trainer.Train(AutoencoderImages, TestContext.Current.CancellationToken).ToList());
            trainer.Save(folder[name]);
        }

        AssertSame("one", "two");
    }

    [Fact]
    public void TrainsOnAGpuAndResumesOnTheCpu()
    {
        Assert.SkipUnless(cuda.is_available(), "there is no GPU here");
        var gpu = TrainingDevice.On(CUDA);
        Autoencoder(gpu, folder["autoencoder"], stops: 3, next: TrainingDevice.Cpu);
        using var trainer = SmallRecipe.Autoencoder(gpu);
        trainer.Resume(folder["autoencoder"]);
        Assert.True(trainer.IsDone(AutoencoderImages));
        var vae = trainer.Averaged(out var weights);
        using (weights)
        using (var denoiser = SmallRecipe.Denoiser(gpu, vae))
            Assert.NotEmpty(denoiser.Train(DenoiserImages, cancellationToken: TestContext.Current.CancellationToken).ToList());
    }

    private void AssertSame(string one, string other) => Assert.Equal(File.ReadAllBytes(folder[one]), File.ReadAllBytes(folder[other]));

    private static void Autoencoder(TrainingDevice target, string state, int stops, int threads = 1, TrainingDevice? next = null) => Parts(stops, end: true, (part, stop) =>
    {
        using var trainer = SmallRecipe.Autoencoder(part == 0 ? target : next ?? target, threads);
        if (part > 0)
            trainer.Resume(state);
        Take(trainer.Train(AutoencoderImages, stop?.Token ?? default), stop);
        trainer.Save(state);
    });

    private void Denoiser(TrainingDevice target, string state, int stops, int threads = 1, bool end = true) => Parts(stops, end, (part, stop) =>
    {
        using var trainer = SmallRecipe.Denoiser(target, untrained.Vae, threads);
        if (part > 0)
            trainer.Resume(state);
        Take(trainer.Train(DenoiserImages, cancellationToken: stop?.Token ?? default), stop);
        trainer.Save(state);
    });

    // Each part but the last stops after a step: the first of each is reported.
    private static void Parts(int stops, bool end, Action<int, CancellationTokenSource?> run)
    {
        for (var part = 0; part < stops; part++)
        {
            using var stop = new CancellationTokenSource();
            run(part, stop);
        }

        if (end)
            run(stops, null);
    }

    private static void Take(IEnumerable<TrainingProgress> reports, CancellationTokenSource? stop)
    {
        foreach (var _ in reports)
            stop?.Cancel();
    }
}
