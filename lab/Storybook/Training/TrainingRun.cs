using System.Globalization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.World;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>
/// Trains the embedded model: tokenizer, then autoencoder, then U-Net with text encoder. State is saved every few minutes and the
/// model exported with it, so that a run can be stopped at any time, used, and resumed.
/// </summary>
/// <param name="plan">The plan.</param>
/// <param name="time">The clock for saving and showing samples; null for the system's.</param>
public sealed class TrainingRun(TrainingPlan plan, TimeProvider? time = null)
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan SampleEvery = TimeSpan.FromMinutes(10);
    private const string VaePart = "vae";
    private const string UNetPart = "unet";
    private const string TextEncoderPart = "text_encoder";
    private readonly TimeProvider clock = time ?? TimeProvider.System;
    private string AutoencoderState => Path.Combine(plan.Directory, "autoencoder.safetensors");
    private string DenoiserState => Path.Combine(plan.Directory, "denoiser.safetensors");

    /// <summary>File of the autoencoder's fidelity on held-out drawings: number of images, PSNR in dB, gradients and edges.</summary>
    public const string HeldOutFile = "held-out.csv";

    /// <summary>The exported model, in the diffusers layout.</summary>
    public string ModelDirectory => Path.Combine(plan.Directory, "model");

    /// <summary>Trains, yielding reports; each is also appended to <c>loss.csv</c>.</summary>
    /// <param name="show">
    /// Receives samples of the averaged weights, every ten minutes and at the end of each stage; null for never. They do not affect the
    /// training's random numbers.
    /// </param>
    /// <param name="cancellationToken">Stops the run before its next step; the state is saved first.</param>
    /// <exception cref="OperationCanceledException">The run was stopped.</exception>
    /// <exception cref="InvalidInputException">The model to start from, or the state in the directory, does not match.</exception>
    public IEnumerable<TrainingProgress> Run(Action<TrainingSamples>? show = null, CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(plan.Directory);
        foreach (var progress in Autoencoder(show, cancellationToken).Concat(Denoiser(show, cancellationToken)))
        {
            Append("loss.csv", $"{progress.Stage},{progress.Images},{progress.Loss:G6},{progress.Note}\n");
            if (progress.HeldOut is { } fidelity)
                Append(HeldOutFile, $"{new HeldOutLog(progress.Images, fidelity)}\n");
            yield return progress;
        }
    }

    private void Append(string name, FormattableString line) =>
        File.AppendAllText(Path.Combine(plan.Directory, name), line.ToString(CultureInfo.InvariantCulture));

    private IEnumerable<TrainingProgress> Autoencoder(Action<TrainingSamples>? show, CancellationToken cancellationToken)
    {
        if (plan.From is not null)
            yield break;
        using var trainer = new AutoencoderTrainer(plan.Recipe, plan.Seed, plan.Target, plan.DrawingThreads);
        if (File.Exists(AutoencoderState))
            trainer.Resume(AutoencoderState);
        else if (File.Exists(DenoiserState))
            throw new InvalidInputException(nameof(plan.From), $"The training in {plan.Directory} started from a model.", "Give that model again, or train in another directory.");
        var exported = Path.Combine(ModelDirectory, VaePart, ModelParts.WeightsFile(VaePart));
        if (File.Exists(exported))
        {
            if (trainer.IsDone(plan.AutoencoderTotal))
                yield break;
            File.Delete(exported);
        }

        var stage = trainer.Train(plan.AutoencoderTotal, cancellationToken);
        foreach (var progress in Kept(stage, () => trainer.Save(AutoencoderState), show is null ? null : Show, cancellationToken))
            yield return progress;
        var deviations = ExportFoundation(trainer);
        yield return new(AutoencoderTrainer.Stage, plan.AutoencoderTotal, plan.AutoencoderTotal, 0,
            $"latent deviation by channel {string.Join(" ", deviations.Select(d => d.ToString("F2", CultureInfo.InvariantCulture)))}");

        void Show()
        {
            var vae = trainer.Averaged(out var weights);
            using (weights)
                show(TrainingSamples.RoundTrips(vae, plan.Recipe.ImageSide, plan.Device, plan.Seed, trainer.Seen));
        }
    }

    private IEnumerable<TrainingProgress> Denoiser(Action<TrainingSamples>? show, CancellationToken cancellationToken)
    {
        if (plan.From is not null)
            CopyModel(plan.From);
        WordChoices.Write(ModelDirectory);
        cancellationToken.ThrowIfCancellationRequested();
        var vae = LoadAutoencoder(out var vaeWeights);
        using var owned = vaeWeights;
        var schedule = SchedulerConfig.FromFile(Path.Combine(ModelDirectory, "scheduler", "scheduler_config.json"));
        using var scheduler = schedule.CreateScheduler(SchedulerKind.Ddim, 50);
        using var trainer = new DenoiserTrainer(
            plan.Recipe, plan.Seed, StableDiffusionModel.LoadTokenizer(ModelDirectory), vae, scheduler.Noise, plan.Target, plan.DrawingThreads);
        BeginDenoiser(trainer);
        var stage = trainer.Train(plan.DenoiserTotal, cancellationToken: cancellationToken);
        foreach (var progress in Kept(stage, () => SaveDenoiser(trainer), show is null ? null : Show, cancellationToken))
            yield return progress;

        // Uses the exported model: these are exactly the images that a user of the model would get.
        void Show()
        {
            using var model = StableDiffusionModel.Load(ModelDirectory, plan.Device);
            show(TrainingSamples.Generated(model, trainer.Seen, cancellationToken));
        }
    }

    // The prerequisites of the denoiser's training: configs, tokenizer and, last, the autoencoder, whose file marks completion.
    private double[] ExportFoundation(AutoencoderTrainer autoencoder)
    {
        var (scalingFactor, deviations) = autoencoder.MeasureLatents();
        var vocabulary = TrainTokenizer();
        StorybookArchitecture.WriteConfigs(ModelDirectory, plan.Recipe, new ClipTokenizer(vocabulary).VocabularySize, scalingFactor);
        vocabulary.Save(Path.Combine(ModelDirectory, "tokenizer"));
        ExportedWeights.Write(Path.Combine(ModelDirectory, VaePart), ModelParts.WeightsFile(VaePart), autoencoder.Parameters.Averaged());
        return deviations;
    }

    private void CopyModel(string from)
    {
        if (!File.Exists(Path.Combine(from, "model_index.json")))
            throw new InvalidInputException(nameof(plan.From), $"{from} has no model_index.json.", "Use the model directory of an earlier training.");
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(ModelDirectory, Path.GetRelativePath(from, file));
            // A resumed run already has newer weights there.
            if (File.Exists(copy))
                continue;
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            using var source = File.OpenRead(file);
            AtomicFile.Write(copy, source.CopyTo);
        }
    }

    private AutoencoderKL LoadAutoencoder(out StoredWeights weights)
    {
        using var stored = StoredTensors.Open(WeightFiles.Find(Path.Combine(ModelDirectory, VaePart), variant: null));
        weights = new StoredWeights(stored.Origin, stored.Tensors.ToDictionary(
            t => t.Key, t => new StoredWeight(t.Value.Shape, () => t.Value.Read().to(ScalarType.Float32).to(plan.Device))));
        return new AutoencoderKL(AutoencoderConfig.FromFile(Path.Combine(ModelDirectory, "vae", "config.json")), weights.Root);
    }

    private void BeginDenoiser(DenoiserTrainer trainer)
    {
        if (File.Exists(DenoiserState))
        {
            trainer.Resume(DenoiserState);
        }
        else if (plan.From is not null)
        {
            foreach (var part in new[] { UNetPart, TextEncoderPart })
            {
                using var stored = StoredTensors.Open(WeightFiles.Find(Path.Combine(plan.From, part), variant: null));
                trainer.Parameters.Begin(part, stored);
            }
        }
    }

    // Forwards a stage's reports. Saves and shows samples at intervals and at the end, and saves before a cancellation.
    private IEnumerable<TrainingProgress> Kept(IEnumerable<TrainingProgress> stage, Action save, Action? show, CancellationToken cancellationToken)
    {
        var (saved, shown) = (clock.GetTimestamp(), clock.GetTimestamp());
        foreach (var progress in stage)
        {
            yield return progress;
            var showing = show is not null && clock.GetElapsedTime(shown) > SampleEvery;
            if (!showing && clock.GetElapsedTime(saved) <= SaveEvery)
                continue;
            save();
            if (showing)
            {
                show!();
                shown = clock.GetTimestamp();
            }

            saved = clock.GetTimestamp();
        }

        save();
        cancellationToken.ThrowIfCancellationRequested();
        show?.Invoke();
    }

    private void SaveDenoiser(DenoiserTrainer denoiser)
    {
        denoiser.Save(DenoiserState);
        var parts = denoiser.Parameters.Averaged().ToLookup(w => w.Key.Split('.', 2)[0], w => KeyValuePair.Create(w.Key.Split('.', 2)[1], w.Value));
        foreach (var part in new[] { UNetPart, TextEncoderPart })
            ExportedWeights.Write(Path.Combine(ModelDirectory, part), ModelParts.WeightsFile(part), parts[part]);
    }

    private BpeVocabulary TrainTokenizer()
    {
        using var images = new Images(plan.Seed);
        var captions = Enumerable.Range(0, 20_000).Select(i => Caption.Compose(images.Scene(i), images.Numbers(i)).Text);
        return BpeTrainer.Train(captions.Concat(Vocabulary.Words), StorybookArchitecture.Merges);
    }
}
