using PromptToPrompt.Diffusion.Sampling;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class NoiseScheduleTests
{
    [Fact]
    public void StableDiffusionsScheduleIsTheReferences()
    {
        using var scope = NewDisposeScope();
        using var goldens = new SchedulerGoldens("ddim");
        var noise = NoiseSchedule.Create(SchedulerGoldens.Config(goldens.Base).Noise);
        Assert.Equal(1000, noise.Count);
        AssertClose(goldens["betas"], tensor(noise.Betas.ToArray()), 3e-7, "betas");
        AssertClose(goldens["alphas_cumprod"], tensor(noise.AlphasCumprod.ToArray()), 3e-7, "alphas_cumprod");
    }

    [Fact]
    public void TheRescaledScheduleIsTheReferencesAndEndsInPureNoise()
    {
        using var scope = NewDisposeScope();
        using var goldens = new SchedulerGoldens("new");
        var noise = NoiseSchedule.Create(SchedulerGoldens.Config(goldens.Base).Noise with { RescaleBetasZeroSnr = true });
        AssertClose(goldens["zsnr.betas"], tensor(noise.Betas.ToArray()), 2e-5, "betas");
        AssertClose(goldens["zsnr.alphas_cumprod"], tensor(noise.AlphasCumprod.ToArray()), 1e-6, "alphas_cumprod");
        Assert.Equal(0, noise.AlphasCumprod[^1]);
        Assert.True(double.IsFinite(noise.Ratio(999)));
    }

    [Fact]
    public void AddingNoiseIsTheReferencesAndIsUndoneByTheTruePrediction()
    {
        using var scope = NewDisposeScope();
        using var goldens = new SchedulerGoldens("new");
        Tensor sample = goldens["sample"], noise = goldens["noise"];
        foreach (var kind in Enum.GetValues<SchedulerKind>())
        {
            using var scheduler = SchedulerGoldens.Config(goldens.Base).CreateScheduler(kind, 10);
            if (kind is not (SchedulerKind.Euler or SchedulerKind.EulerAncestral))
            {
                foreach (var t in (int[])[1, 500, 981])
                    AssertClose(goldens[$"add_noise.t{t}"], scheduler.AddNoise(sample, noise, t), 1e-6, $"{kind} {t}");
            }
            for (var step = 0; step < scheduler.Timesteps.Count; step++)
            {
                var noisy = scheduler.AddNoise(sample, noise, scheduler.Timesteps[step]);
                AssertClose(sample, scheduler.PredictSample(noise, step, noisy), 1e-4, $"{kind} {step}");
            }
        }
    }

    [Theory]
    [InlineData(PredictionType.Epsilon)]
    [InlineData(PredictionType.VPrediction)]
    [InlineData(PredictionType.Sample)]
    public void EachPredictionTypeTellsSampleAndNoiseApart(PredictionType type)
    {
        using var scope = NewDisposeScope();
        Tensor sample = randn(50, generator: new Generator(1)), noise = randn(50, generator: new Generator(2));
        var level = NoiseLevel.FromAlphaCumprod(0.4);
        var output = type switch
        {
            PredictionType.Epsilon => noise,
            PredictionType.VPrediction => (noise * level.Alpha) - (sample * level.Sigma),
            _ => sample,
        };
        var noisy = level.AddNoise(sample, noise);
        AssertClose(sample, level.PredictSample(type, output, noisy), 1e-6, "sample");
        AssertClose(noise, level.PredictNoise(type, output, noisy), 1e-6, "noise");
    }

    [Fact]
    public void GivenBetasAndTheOtherFormulasAreUsed()
    {
        var given = NoiseSchedule.Create(new NoiseScheduleConfig { TrainTimesteps = 2, TrainedBetas = [0.5, 0.25] });
        Assert.Equal([0.5f, 0.375f], given.AlphasCumprod);

        var linear = NoiseSchedule.Create(new NoiseScheduleConfig());
        Assert.Equal(0.0001f, linear.Betas[0], 1e-9f);
        Assert.Equal(0.02f, linear.Betas[^1], 1e-8f);

        var cosine = NoiseSchedule.Create(new NoiseScheduleConfig { BetaSchedule = BetaSchedule.SquaredCosine });
        Assert.Equal(0.999f, cosine.Betas[^1]);
        double middle = Math.Cos((0.5 + 0.008) / 1.008 * Math.PI / 2), first = Math.Cos(0.008 / 1.008 * Math.PI / 2);
        Assert.Equal(middle * middle / (first * first), cosine.AlphasCumprod[499], 1e-5);
    }

    [Fact]
    public void LevelsFromRatioAndFromVarianceAgree()
    {
        var noise = NoiseSchedule.Create(new NoiseScheduleConfig());
        for (var t = 0; t < noise.Count; t += 37)
        {
            NoiseLevel level = noise.Level(t), other = NoiseLevel.FromRatio(noise.Ratio(t));
            Assert.Equal(level.Alpha, other.Alpha, 1e-12);
            Assert.Equal(level.Sigma, other.Sigma, 1e-12);
            Assert.Equal(Math.Log(level.Alpha / level.Sigma), level.Lambda, 1e-9);
        }
    }
}
