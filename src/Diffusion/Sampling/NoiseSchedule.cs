using static PromptToPrompt.Diffusion.Native.NativeScalar;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>
/// The noise level of each training timestep, computed in float32 with the same operations as PyTorch code, so that the numbers
/// differ from those used in training by at most the last bit.
/// </summary>
internal sealed class NoiseSchedule
{
    /// <summary>Replaces ᾱ = 0 where a finite ratio σ/α is needed; the smallest ᾱ that float16 networks have been run with.</summary>
    private const double MinAlphaCumprod = 1.0 / (1 << 24);

    private readonly float[] betas;
    private readonly float[] alphasCumprod;

    private NoiseSchedule(float[] betas, float[] alphasCumprod) => (this.betas, this.alphasCumprod) = (betas, alphasCumprod);

    /// <summary>β_t, the variance added by each timestep.</summary>
    public IReadOnlyList<float> Betas => betas;

    /// <summary>ᾱ_t = Π (1 − β), the share of the clean sample's variance.</summary>
    public IReadOnlyList<float> AlphasCumprod => alphasCumprod;

    /// <summary>Number of training timesteps.</summary>
    public int Count => alphasCumprod.Length;

    /// <summary>Computes the schedule of a config.</summary>
    public static NoiseSchedule Create(NoiseScheduleConfig config)
    {
        using var scope = NewDisposeScope();
        var betas = Beta(config);
        if (config.RescaleBetasZeroSnr)
            betas = RescaleToZeroTerminalSnr(betas);
        return new NoiseSchedule(betas.data<float>().ToArray(), OneMinus(betas).cumprod(0).data<float>().ToArray());
    }

    /// <summary>The noise level of a timestep.</summary>
    public NoiseLevel Level(long timestep) => NoiseLevel.FromAlphaCumprod(alphasCumprod[timestep]);

    /// <summary>The ratio σ/α of a timestep, finite even if the schedule ends in pure noise.</summary>
    public double Ratio(long timestep)
    {
        var alphaCumprod = Math.Max(alphasCumprod[timestep], MinAlphaCumprod);
        return Math.Sqrt((1 - alphaCumprod) / alphaCumprod);
    }

    private static Tensor Beta(NoiseScheduleConfig config)
    {
        if (config.TrainedBetas is { } trained)
            return tensor(trained.Select(beta => (float)beta).ToArray(), device: CPU);
        return config.BetaSchedule switch
        {
            BetaSchedule.Linear => linspace(config.BetaStart, config.BetaEnd, config.TrainTimesteps, dtype: float32, device: CPU),
            BetaSchedule.ScaledLinear => linspace(Math.Sqrt(config.BetaStart), Math.Sqrt(config.BetaEnd), config.TrainTimesteps, dtype: float32, device: CPU).Squared(),
            _ => tensor(SquaredCosine(config.TrainTimesteps), device: CPU),
        };
    }

    private static float[] SquaredCosine(int count)
    {
        return [.. Enumerable.Range(0, count).Select(t => (float)Math.Min(1 - (AlphaBar(t + 1) / AlphaBar(t)), 0.999))];

        double AlphaBar(int t) => Math.Pow(Math.Cos((((double)t / count) + 0.008) / 1.008 * Math.PI / 2), 2);
    }

    /// <summary>Shifts and scales √ᾱ so that the last timestep is pure noise and the first is unchanged (Lin et al. 2024, algorithm 1).</summary>
    private static Tensor RescaleToZeroTerminalSnr(Tensor betas)
    {
        var root = OneMinus(betas).cumprod(0).sqrt();
        Tensor first = root[0], last = root[^1];
        var alphasCumprod = ((root - last) * (first / (first - last))).Squared();
        return OneMinus(cat([alphasCumprod[..1], alphasCumprod[1..] / alphasCumprod[..^1]]));
    }
}
