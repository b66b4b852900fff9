using System.Globalization;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Storybook.World;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>The plan of a training run.</summary>
/// <param name="Directory">Directory of state, log and model; a run that finds its own state there resumes it.</param>
/// <param name="AutoencoderImages">Number of images for the autoencoder.</param>
/// <param name="DenoiserImages">Number of images for U-Net and text encoder.</param>
/// <param name="Seed">Seed of the whole run.</param>
/// <param name="From">
/// A model directory from an earlier run: its tokenizer and autoencoder are kept, and U-Net and text encoder start from its weights.
/// Null to start from scratch.
/// </param>
public sealed record TrainingPlan(
    string Directory, long AutoencoderImages = 34_000, long DenoiserImages = 252_000, int Seed = 1, string? From = null);

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
    private const string VaeWeights = "vae/diffusion_pytorch_model.safetensors";
    private const string UNetWeights = "unet/diffusion_pytorch_model.safetensors";
    private const string TextEncoderWeights = "text_encoder/model.safetensors";
    private readonly TimeProvider clock = time ?? TimeProvider.System;
    private string AutoencoderState => Path.Combine(plan.Directory, "autoencoder.safetensors");
    private string DenoiserState => Path.Combine(plan.Directory, "denoiser.safetensors");

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
            File.AppendAllText(Path.Combine(plan.Directory, "loss.csv"), string.Create(CultureInfo.InvariantCulture,
                $"{progress.Stage},{progress.Images},{progress.Loss:G6},{progress.Note}\n"));
            yield return progress;
        }
    }

    private IEnumerable<TrainingProgress> Autoencoder(Action<TrainingSamples>? show, CancellationToken cancellationToken)
    {
        if (plan.From is not null)
            yield break;
        using var trainer = new AutoencoderTrainer(plan.Seed);
        if (File.Exists(AutoencoderState))
            trainer.Parameters.Load(AutoencoderState);
        else if (File.Exists(DenoiserState))
            throw new InvalidInputException(nameof(plan.From), $"The training in {plan.Directory} started from a model.", "Give that model again, or train in another directory.");
        var exported = Path.Combine(ModelDirectory, VaeWeights);
        if (File.Exists(exported))
        {
            if (trainer.IsDone(plan.AutoencoderImages))
                yield break;
            File.Delete(exported);
        }

        var stage = trainer.Train(plan.AutoencoderImages, cancellationToken);
        foreach (var progress in Kept(stage, () => trainer.Parameters.Save(AutoencoderState), show is null ? null : Show, cancellationToken))
            yield return progress;
        var deviations = ExportFoundation(trainer);
        yield return new(AutoencoderTrainer.Stage, plan.AutoencoderImages, plan.AutoencoderImages, 0,
            $"latent deviation by channel {string.Join(" ", deviations.Select(d => d.ToString("F2", CultureInfo.InvariantCulture)))}");

        void Show()
        {
            var vae = trainer.Averaged(out var weights);
            using (weights)
                show(TrainingSamples.RoundTrips(vae, plan.Seed, trainer.Seen));
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
        using var trainer = new DenoiserTrainer(plan.Seed, StableDiffusionModel.LoadTokenizer(ModelDirectory), vae, scheduler.Noise, BeginDenoiser);
        var stage = trainer.Train(plan.DenoiserImages, cancellationToken: cancellationToken);
        foreach (var progress in Kept(stage, () => SaveDenoiser(trainer.Parameters), show is null ? null : Show, cancellationToken))
            yield return progress;

        // Uses the exported model: these are exactly the images that a user of the model would get.
        void Show()
        {
            using var model = StableDiffusionModel.Load(ModelDirectory);
            show(TrainingSamples.Generated(model, trainer.Seen, cancellationToken));
        }
    }

    // The prerequisites of the denoiser's training: configs, tokenizer and, last, the autoencoder, whose file marks completion.
    private double[] ExportFoundation(AutoencoderTrainer autoencoder)
    {
        var (scalingFactor, deviations) = autoencoder.MeasureLatents();
        var vocabulary = TrainTokenizer();
        StorybookArchitecture.WriteConfigs(ModelDirectory, new ClipTokenizer(vocabulary).VocabularySize, scalingFactor);
        vocabulary.Save(Path.Combine(ModelDirectory, "tokenizer"));
        Export(VaeWeights, autoencoder.Parameters.Averaged());
        return deviations;
    }

    private void CopyModel(string from)
    {
        if (!File.Exists(Path.Combine(from, UNetWeights)))
            throw new InvalidInputException(nameof(plan.From), $"{from} has no {UNetWeights}.", "Use the model directory of an earlier training.");
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
        using var file = SafetensorsFile.Open(Path.Combine(ModelDirectory, VaeWeights));
        weights = new StoredWeights(file.Path, file.Tensors.ToDictionary(
            t => t.Key, t => new StoredWeight(t.Value.Shape, () => file.Read(t.Key).to(ScalarType.Float32))));
        return new AutoencoderKL(AutoencoderConfig.FromFile(Path.Combine(ModelDirectory, "vae", "config.json")), weights.Root);
    }

    private void BeginDenoiser(FlatParameters parameters)
    {
        if (File.Exists(DenoiserState))
        {
            parameters.Load(DenoiserState);
        }
        else if (plan.From is not null)
        {
            foreach (var (prefix, name) in new[] { ("unet", UNetWeights), ("text_encoder", TextEncoderWeights) })
            {
                using var file = SafetensorsFile.Open(Path.Combine(plan.From, name));
                parameters.Begin(prefix, file);
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

    private void SaveDenoiser(FlatParameters denoiser)
    {
        denoiser.Save(DenoiserState);
        var parts = denoiser.Averaged().ToLookup(w => w.Key.Split('.', 2)[0], w => KeyValuePair.Create(w.Key.Split('.', 2)[1], w.Value));
        Export(UNetWeights, parts["unet"]);
        Export(TextEncoderWeights, parts["text_encoder"]);
    }

    private void Export(string name, IEnumerable<KeyValuePair<string, Tensor>> weights)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var path = Path.Combine(ModelDirectory, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        SafetensorsWriter.Write(path, weights.Select(w => KeyValuePair.Create(w.Key, w.Value.to(ScalarType.Float16))).ToList());
    }

    private BpeVocabulary TrainTokenizer()
    {
        using var images = new Images(plan.Seed);
        var captions = Enumerable.Range(0, 20_000).Select(i => Caption.Compose(images.Scene(i), images.Numbers(i)).Text);
        return BpeTrainer.Train(captions.Concat(Vocabulary.Words), StorybookArchitecture.Merges);
    }
}
