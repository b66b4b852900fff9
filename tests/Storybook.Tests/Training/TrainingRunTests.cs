using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Storybook.Training;

namespace PromptToPrompt.Storybook.Tests.Training;

[Trait("Category", "Slow")]
public sealed class TrainingRunTests(FinishedTraining finished) : IClassFixture<FinishedTraining>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void GoesOnFromTheStateThatAStopInEitherStageLeft()
    {
        Assert.Equal([(1, 0), (2, 1), (2, 2)], finished.Parts.Select(part => (part.AutoencoderSteps, part.DenoiserSteps)));
        // The autoencoder is done with, so nothing of it is done again.
        var last = finished.Parts[^1].Reports;
        Assert.All(last, progress => Assert.Equal(DenoiserTrainer.Stage, progress.Stage));
        Assert.Equal(2 * FinishedTraining.DenoiserBatch, last[^1].Images);
        Assert.Empty(Directory.GetFiles(finished.Plan.Directory, "*.tmp", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }));
        using var model = StableDiffusionModel.Load(finished.ModelDirectory);
        Assert.Equal(TrainingRecipe.Storybook.UNet.SampleSize, model.Shape.UNet.SampleSize);
    }

    [Fact]
    public void SamplesAndSavingsLeaveTheTrainingAsItWas()
    {
        var sheets = new List<TrainingSamples>();
        FinishedTraining.Run(finished.Plan with { Directory = folder.Path }, new HastyClock(), sheets.Add);
        foreach (var state in new[] { "autoencoder.safetensors", "denoiser.safetensors" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(finished.Plan.Directory, state)), File.ReadAllBytes(folder[state]));
        // After each step and at the end of each stage, but not after the stop in the denoiser's.
        Assert.Equal([AutoencoderTrainer.Stage, AutoencoderTrainer.Stage, AutoencoderTrainer.Stage, DenoiserTrainer.Stage, DenoiserTrainer.Stage], sheets.Select(sheet => sheet.Stage));
        Assert.Equal([16, 12], new[] { sheets[0], sheets[^1] }.Select(sheet => sheet.Samples.Count));
        Assert.All(sheets[^1].Samples, sample => Assert.Equal(TrainingRecipe.Storybook.ImageSide, sample.Image.Width));
    }

    [Fact]
    public void TrainsTheAutoencoderFurtherWhereMoreImagesAreAskedFor()
    {
        var plan = finished.Plan with { Directory = folder.Path, AutoencoderImages = 4 * FinishedTraining.AutoencoderBatch };
        File.Copy(Path.Combine(finished.Plan.Directory, "autoencoder.safetensors"), folder["autoencoder.safetensors"]);
        Directory.CreateDirectory(Path.GetDirectoryName(VaeFile(folder["model"]))!);
        File.Copy(VaeFile(finished.ModelDirectory), VaeFile(folder["model"]));
        var first = new TrainingRun(plan).Run().First();
        Assert.Equal((AutoencoderTrainer.Stage, 3 * FinishedTraining.AutoencoderBatch), (first.Stage, first.Images));
        // It is not this one's.
        Assert.False(File.Exists(VaeFile(folder["model"])));
    }

    [Fact]
    public void BeginsWithTheWeightsOfAnEarlierModel()
    {
        var earlier = folder.Copy(finished.ModelDirectory, "earlier");
        var plan = new TrainingPlan(folder["later"], DenoiserImages: 0, Seed: 5, From: earlier);
        var later = new TrainingRun(plan);
        Assert.DoesNotContain(later.Run(), progress => progress.Stage == AutoencoderTrainer.Stage);
        foreach (var file in Directory.GetFiles(earlier, "*", SearchOption.AllDirectories))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(later.ModelDirectory, Path.GetRelativePath(earlier, file))));

        var trained = new TrainingRun(plan with { DenoiserImages = FinishedTraining.DenoiserBatch }).Run().ToList();
        Assert.Equal(FinishedTraining.DenoiserBatch, Assert.Single(trained).Images);
        Assert.NotEqual(File.ReadAllBytes(UNetFile(earlier)), File.ReadAllBytes(UNetFile(later.ModelDirectory)));
        Assert.Contains("From: ", Refused(plan with { From = null }), StringComparison.Ordinal);

        using (var scale = TorchSharp.torch.ones(3))
            SafetensorsWriter.Write(UNetFile(earlier), [new("conv_in.weight", scale)]);
        Assert.Contains("of another size", Refused(plan with { Directory = folder["other"] }), StringComparison.Ordinal);
        Assert.Contains("model_index.json", Refused(plan with { From = folder.Path }), StringComparison.Ordinal);
    }

    private static string UNetFile(string model) => Path.Combine(model, "unet", "diffusion_pytorch_model.safetensors");

    private static string VaeFile(string model) => Path.Combine(model, "vae", "diffusion_pytorch_model.safetensors");

    private static string Refused(TrainingPlan plan) => Assert.Throws<InvalidInputException>(() => new TrainingRun(plan).Run().ToList()).Message;

    /// <summary>The clock advances an hour at each reading, so periodic work is done at every report.</summary>
    private sealed class HastyClock : TimeProvider
    {
        private long hours;

        public override long GetTimestamp() => ++hours * 3600 * TimestampFrequency;
    }
}
