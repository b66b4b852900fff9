using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Storybook.Training;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class TrainingRunTests(FinishedTraining finished) : IClassFixture<FinishedTraining>, IDisposable
{
    private const int AutoencoderBatch = FinishedTraining.AutoencoderBatch;
    private const int DenoiserBatch = FinishedTraining.DenoiserBatch;
    private const long Forever = 1_000_000;
    private readonly string folder = Directory.CreateTempSubdirectory("p2p-tests-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // One run, stopped twice and gone on with: each stage of it takes seconds to set up.
    [Fact]
    public void GoesOnFromTheStateThatAStopInEitherStageLeft()
    {
        Assert.Equal(1, StopAtFirst(AutoencoderTrainer.Stage, new TrainingPlan(folder, Forever, Forever), "autoencoder.safetensors"));
        var plan = new TrainingPlan(folder, AutoencoderImages: 2 * AutoencoderBatch, Forever);
        var shown = new List<TrainingSamples>();
        Assert.Equal(1, StopAtFirst(DenoiserTrainer.Stage, plan, "denoiser.safetensors", shown.Add));
        Assert.Equal(2, Steps("autoencoder.safetensors"));

        // The autoencoder is done with, so nothing of it is done again.
        var reports = new TrainingRun(plan with { DenoiserImages = 2 * DenoiserBatch }).Run(shown.Add).ToList();
        Assert.All(reports, progress => Assert.Equal(DenoiserTrainer.Stage, progress.Stage));
        Assert.Equal(2, Steps("denoiser.safetensors"));
        Assert.Equal(2 * DenoiserBatch, reports[^1].Images);
        Assert.Equal(["autoencoder", "denoiser"], shown.Select(samples => samples.Stage));
        Assert.Equal([16, 12], shown.Select(samples => samples.Samples.Count));
        Assert.All(shown[1].Samples, sample => Assert.Equal(StorybookArchitecture.ImageSize, sample.Image.Width));
        Assert.Empty(Directory.GetFiles(folder, "*.tmp", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }));
        using var model = StableDiffusionModel.Load(Path.Combine(folder, "model"));
        Assert.Equal(StorybookArchitecture.UNet.SampleSize, model.Shape.UNet.SampleSize);
    }

    [Fact]
    public void SamplesAndSavingsLeaveTheTrainingAsItWas()
    {
        var sheets = 0;
        Stop(
            new TrainingRun(finished.Plan with { Directory = folder }, new HastyClock()),
            at: p => p is { Stage: DenoiserTrainer.Stage, Images: 2 * DenoiserBatch }, _ => sheets++);
        Assert.Equal(4, sheets);
        foreach (var state in new[] { "autoencoder.safetensors", "denoiser.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(finished.Plan.Directory, state)), File.ReadAllBytes(Path.Combine(folder, state)));
    }

    [Fact]
    public void TrainsTheAutoencoderFurtherWhereMoreImagesAreAskedFor()
    {
        File.Copy(Path.Combine(finished.Plan.Directory, "autoencoder.safetensors"), Path.Combine(folder, "autoencoder.safetensors"));
        Directory.CreateDirectory(Path.Combine(folder, "model", "vae"));
        File.Copy(VaeFile(finished.ModelDirectory), VaeFile(Path.Combine(folder, "model")));
        Stop(new TrainingRun(finished.Plan with { Directory = folder, AutoencoderImages = Forever }), at: _ => true);
        Assert.Equal(3, Steps("autoencoder.safetensors"));
        // It is not this one's.
        Assert.False(File.Exists(VaeFile(Path.Combine(folder, "model"))));
    }

    [Fact]
    public void BeginsWithTheWeightsOfAnEarlierModel()
    {
        var earlier = finished.CopyModel(Path.Combine(folder, "earlier"));
        var plan = new TrainingPlan(Path.Combine(folder, "later"), DenoiserImages: 0, Seed: 5, From: earlier);
        var later = new TrainingRun(plan);
        Assert.DoesNotContain(later.Run(), progress => progress.Stage == AutoencoderTrainer.Stage);
        foreach (var file in Directory.GetFiles(earlier, "*", SearchOption.AllDirectories))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(later.ModelDirectory, Path.GetRelativePath(earlier, file))));

        var trained = new TrainingRun(plan with { DenoiserImages = DenoiserBatch }).Run().ToList();
        Assert.Equal(DenoiserBatch, Assert.Single(trained).Images);
        Assert.NotEqual(File.ReadAllBytes(UNetFile(earlier)), File.ReadAllBytes(UNetFile(later.ModelDirectory)));
        Assert.Contains("From: ", Refused(plan with { From = null }), StringComparison.Ordinal);

        using (var scale = TorchSharp.torch.ones(3))
            SafetensorsWriter.Write(UNetFile(earlier), [new("conv_in.weight", scale)]);
        Assert.Contains("of another size", Refused(plan with { Directory = Path.Combine(folder, "other") }), StringComparison.Ordinal);
        Assert.Contains("unet/diffusion_pytorch_model.safetensors", Refused(plan with { From = folder }), StringComparison.Ordinal);
    }

    private static string UNetFile(string model) => Path.Combine(model, "unet", "diffusion_pytorch_model.safetensors");

    private static string VaeFile(string model) => Path.Combine(model, "vae", "diffusion_pytorch_model.safetensors");

    private static string Refused(TrainingPlan plan) => Assert.Throws<InvalidInputException>(() => new TrainingRun(plan).Run().ToList()).Message;

    private long StopAtFirst(string stage, TrainingPlan plan, string state, Action<TrainingSamples>? show = null)
    {
        Stop(new TrainingRun(plan), at: progress => progress.Stage == stage, show);
        return Steps(state);
    }

    private static void Stop(TrainingRun run, Func<TrainingProgress, bool> at, Action<TrainingSamples>? show = null)
    {
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (var progress in run.Run(show, stop.Token))
            {
                if (at(progress))
                    stop.Cancel();
            }
        });
    }

    private long Steps(string state)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, state));
        using var steps = file.Read("steps");
        return steps.data<long>()[0];
    }

    /// <summary>The clock advances an hour at each reading, so periodic work is done at every report.</summary>
    private sealed class HastyClock : TimeProvider
    {
        private long hours;

        public override long GetTimestamp() => ++hours * 3600 * TimestampFrequency;
    }
}
