namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>Noise levels as ratios σ/α, with their timesteps.</summary>
internal static class SigmaGrid
{
    /// <summary>Exponent of the spacing, as in the paper.</summary>
    private const double Rho = 7;

    /// <summary>The spacing of Karras et al. 2022 ("Elucidating the Design Space of Diffusion-Based Generative Models", equation 5).</summary>
    /// <param name="highest">The first ratio.</param>
    /// <param name="lowest">The last ratio.</param>
    /// <param name="count">Number of ratios.</param>
    public static double[] Karras(double highest, double lowest, int count)
    {
        double first = Math.Pow(highest, 1 / Rho), last = Math.Pow(lowest, 1 / Rho);
        return [.. Enumerable.Range(0, count).Select(i => Math.Pow(first + (i / Math.Max(1.0, count - 1) * (last - first)), Rho))];
    }

    /// <summary>The timestep whose ratio is nearest to a given one, by logarithmic interpolation.</summary>
    public static long Timestep(NoiseSchedule noise, double ratio)
    {
        var wanted = Math.Log(ratio);
        var low = 0;
        while (low + 2 < noise.Count && Math.Log(noise.Ratio(low + 1)) <= wanted)
            low++;
        double from = Math.Log(noise.Ratio(low)), to = Math.Log(noise.Ratio(low + 1));
        return (long)Math.Round(low + Math.Clamp((wanted - from) / (to - from), 0, 1));
    }
}
