using PromptToPrompt.Storybook.Training;

namespace PromptToPrompt.Storybook.Tests.Training;

/// <summary>A training of two steps of each stage that ran to its end, made once for all tests of a class.</summary>
public sealed class FinishedTraining : IDisposable
{
    /// <summary>Pictures of a step of the autoencoder's training.</summary>
    public const int AutoencoderBatch = 4;

    /// <summary>Pictures of a step of the denoiser's training.</summary>
    public const int DenoiserBatch = 24;

    public FinishedTraining()
    {
        Plan = new TrainingPlan(Directory.CreateTempSubdirectory("p2p-tests-").FullName, 2 * AutoencoderBatch, 2 * DenoiserBatch);
        var run = new TrainingRun(Plan);
        _ = run.Run().ToList();
        ModelDirectory = run.ModelDirectory;
    }

    public TrainingPlan Plan { get; }

    public string ModelDirectory { get; }

    /// <summary>A copy of the model to change.</summary>
    public string CopyModel(string directory)
    {
        foreach (var file in Directory.GetFiles(ModelDirectory, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(directory, Path.GetRelativePath(ModelDirectory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return directory;
    }

    public void Dispose() => Directory.Delete(Plan.Directory, recursive: true);
}
