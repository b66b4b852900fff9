using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Storybook.Training;

namespace PromptToPrompt.Storybook.Tests.Training;

/// <summary>
/// A training of two steps of each stage, which was stopped after the first step of each and went on; made once for all tests of a class,
/// because each stage takes seconds to set up.
/// </summary>
public sealed class FinishedTraining : IDisposable
{
    /// <summary>Pictures of a step of the autoencoder's training.</summary>
    public const int AutoencoderBatch = 4;

    /// <summary>Pictures of a step of the denoiser's training.</summary>
    public const int DenoiserBatch = 24;

    private readonly TemporaryFolder folder = new();

    public FinishedTraining()
    {
        Plan = new TrainingPlan(folder.Path, 2 * AutoencoderBatch, 2 * DenoiserBatch);
        Parts = Run(Plan);
    }

    public TrainingPlan Plan { get; }

    /// <summary>What each part of the run left behind.</summary>
    public IReadOnlyList<TrainingPart> Parts { get; }

    public string ModelDirectory => new TrainingRun(Plan).ModelDirectory;

    /// <summary>Trains by a plan, stopped after the first step of each stage.</summary>
    internal static IReadOnlyList<TrainingPart> Run(TrainingPlan plan, TimeProvider? clock = null, Action<TrainingSamples>? show = null)
    {
        return [Part(AutoencoderTrainer.Stage), Part(DenoiserTrainer.Stage), Part(stopIn: null)];

        TrainingPart Part(string? stopIn)
        {
            using var stop = new CancellationTokenSource();
            var reports = new List<TrainingProgress>();
            try
            {
                foreach (var progress in new TrainingRun(plan, clock).Run(show, stop.Token))
                {
                    reports.Add(progress);
                    if (progress.Stage == stopIn)
                        stop.Cancel();
                }
            }
            catch (OperationCanceledException) when (stopIn is not null)
            {
            }

            return new(reports, Steps(plan, "autoencoder.safetensors"), Steps(plan, "denoiser.safetensors"));
        }
    }

    /// <summary>Steps of a saved state.</summary>
    internal static long Steps(TrainingPlan plan, string state)
    {
        var path = Path.Combine(plan.Directory, state);
        if (!File.Exists(path))
            return 0;
        using var file = SafetensorsFile.Open(path);
        using var steps = file.Read("steps");
        return steps.data<long>()[0];
    }

    public void Dispose() => folder.Dispose();
}

/// <summary>A part of a training, up to a stop or the end.</summary>
/// <param name="Reports">What it reported.</param>
/// <param name="AutoencoderSteps">Steps in the autoencoder's state after it.</param>
/// <param name="DenoiserSteps">Steps in the denoiser's state after it.</param>
public sealed record TrainingPart(IReadOnlyList<TrainingProgress> Reports, long AutoencoderSteps, long DenoiserSteps);
