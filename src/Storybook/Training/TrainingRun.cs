using System.Globalization;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Storybook.World;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Training;

/// <summary>What to train, and how long.</summary>
/// <param name="Directory">Where state, log and model go; a run that finds its own state there goes on from it.</param>
/// <param name="AutoencoderPictures">Pictures for the autoencoder.</param>
/// <param name="DenoiserPictures">Pictures for U-Net and text encoder.</param>
/// <param name="Seed">Seed of everything.</param>
public sealed record TrainingPlan(string Directory, long AutoencoderPictures = 30_000, long DenoiserPictures = 100_000, int Seed = 1);

/// <summary>
/// Makes the embedded model from nothing: tokenizer, then autoencoder, then U-Net with text encoder. State is saved every few minutes and the
/// model exported with it, so that a run can be stopped at any time, used, and gone on with.
/// </summary>
public sealed class TrainingRun(TrainingPlan plan)
{
    private static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(3);
    private readonly TimeProvider clock = TimeProvider.System;
    private string AutoencoderState => Path.Combine(plan.Directory, "autoencoder.safetensors");
    private string DenoiserState => Path.Combine(plan.Directory, "denoiser.safetensors");

    /// <summary>The exported model, in the diffusers layout.</summary>
    public string ModelDirectory => Path.Combine(plan.Directory, "model");

    /// <summary>Trains, yielding reports; each is also appended to <c>loss.csv</c>.</summary>
    public IEnumerable<TrainingProgress> Run()
    {
        Directory.CreateDirectory(plan.Directory);
        foreach (var progress in Autoencoder().Concat(Denoiser()))
        {
            File.AppendAllText(Path.Combine(plan.Directory, "loss.csv"), string.Create(CultureInfo.InvariantCulture,
                $"{progress.Stage},{progress.Pictures},{progress.Loss:G6},{progress.Note}\n"));
            yield return progress;
        }
    }

    private IEnumerable<TrainingProgress> Autoencoder()
    {
        using var trainer = new AutoencoderTrainer(plan.Seed);
        if (File.Exists(AutoencoderState))
            trainer.Parameters.Load(AutoencoderState);
        var saved = clock.GetTimestamp();
        foreach (var progress in trainer.Train(plan.AutoencoderPictures))
        {
            if (clock.GetElapsedTime(saved) > SaveEvery)
            {
                trainer.Parameters.Save(AutoencoderState);
                saved = clock.GetTimestamp();
            }

            yield return progress;
        }

        trainer.Parameters.Save(AutoencoderState);
        var (_, deviations) = trainer.MeasureLatents();
        yield return new("autoencoder", plan.AutoencoderPictures, plan.AutoencoderPictures, 0,
            $"latent deviation by channel {string.Join(" ", deviations.Select(d => d.ToString("F2", CultureInfo.InvariantCulture)))}");
    }

    private IEnumerable<TrainingProgress> Denoiser()
    {
        using var autoencoder = new AutoencoderTrainer(plan.Seed);
        autoencoder.Parameters.Load(AutoencoderState);
        var (scalingFactor, _) = autoencoder.MeasureLatents();
        var vae = autoencoder.Averaged(out var vaeWeights, scalingFactor);
        using var owned = vaeWeights;
        var vocabulary = TrainTokenizer();
        var tokenizer = new ClipTokenizer(vocabulary);
        StorybookArchitecture.WriteConfigs(ModelDirectory, tokenizer.VocabularySize, scalingFactor);
        vocabulary.Save(Path.Combine(ModelDirectory, "tokenizer"));
        var schedule = SchedulerConfig.FromFile(Path.Combine(ModelDirectory, "scheduler", "scheduler_config.json"));
        using var scheduler = schedule.Create(SamplerKind.Ddim, 50);
        using var trainer = new DenoiserTrainer(plan.Seed, tokenizer, vae, scheduler.Noise, File.Exists(DenoiserState) ? DenoiserState : null);
        var saved = clock.GetTimestamp();
        foreach (var progress in trainer.Train(plan.DenoiserPictures))
        {
            if (clock.GetElapsedTime(saved) > SaveEvery)
            {
                Save(autoencoder.Parameters, trainer.Parameters);
                saved = clock.GetTimestamp();
            }

            yield return progress;
        }

        Save(autoencoder.Parameters, trainer.Parameters);
    }

    private void Save(FlatParameters autoencoder, FlatParameters denoiser)
    {
        denoiser.Save(DenoiserState);
        var parts = denoiser.Averaged().ToLookup(w => w.Key.Split('.', 2)[0], w => KeyValuePair.Create(w.Key.Split('.', 2)[1], w.Value));
        Export("vae/diffusion_pytorch_model.safetensors", autoencoder.Averaged());
        Export("unet/diffusion_pytorch_model.safetensors", parts["unet"]);
        Export("text_encoder/model.safetensors", parts["text_encoder"]);
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
        using var pictures = new Pictures(plan.Seed);
        var captions = Enumerable.Range(0, 20_000).Select(i => Caption.Compose(pictures.Scene(i), pictures.Numbers(i)).Text);
        return BpeTrainer.Train(captions.Concat(Vocabulary.Words), StorybookArchitecture.Merges);
    }
}
