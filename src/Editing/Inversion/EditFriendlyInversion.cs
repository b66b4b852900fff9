using PromptToPrompt.Diffusion.Schedulers;
using static PromptToPrompt.Diffusion.Native.HeldScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Inversion;

/// <summary>
/// Edit-friendly DDPM inversion (Huberman-Spiegelglas et al. 2023, arXiv 2304.06140): the picture is noised to every level independently, and
/// the noise that DDPM's steps would have needed between those levels is worked out and kept. It holds the picture's structure, so edits
/// that add the same noise keep it.
/// </summary>
internal sealed class EditFriendlyInversion : InversionMethod
{
    private const double SourceGuidance = 3.5;

    public override string Name => "edit-friendly";

    internal override bool GainsOverDdim => false;

    internal override InvertedPicture Invert(InversionRun run)
    {
        using var scheduler = new DdimScheduler(run.Config, run.Steps) { Eta = 1 };
        using var generator = new Generator(run.Settings.Seed, CPU);
        var guidance = run.Settings.InversionGuidance ?? SourceGuidance;
        var source = new List<Tensor>();
        foreach (var timestep in scheduler.Timesteps)
        {
            using var noise = randn(run.Picture.shape, device: CPU, generator: generator);
            source.Add(scheduler.AddNoise(run.Picture, noise.to(run.Model.Device), timestep));
        }

        source.Add(run.Picture);
        var steps = new List<Tensor>();
        for (var step = 0; step < run.Steps; step++)
        {
            using var scope = NewDisposeScope();
            var mean = scheduler.Mean(run.Predict(source[step], step, guidance), step, source[step]);
            var deviation = scheduler.Deviation(step);
            // The last step may be free of noise; the source then ends at the picture all the same, because its way is known.
            steps.Add((deviation > 0 ? (source[step + 1] - mean) / Held(deviation) : zeros_like(mean)).MoveToOuterDisposeScope());
            run.Report("inverting", step + 1);
        }

        var way = cat([.. source], 0);
        return new(run.Settings, way.flip(0), way) { StepNoise = InvertedPicture.Own(cat([.. steps], 0)), FinishedSteps = run.Steps };
    }

    internal override int FirstStep(InversionSettings settings) => (int)(settings.Skip * settings.Steps);

    internal override Scheduler CreateScheduler(SchedulerConfig config, InvertedPicture inverted)
        => new DdimScheduler(config, inverted.Settings.Steps) { Eta = 1, StepNoise = inverted.StepNoise };
}
