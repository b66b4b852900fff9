namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The timesteps of a run, from noise to image.</summary>
internal static class TimestepGrid
{
    /// <summary>Computes the timesteps; rounds half to even, like NumPy.</summary>
    /// <param name="config">Defines the number of training timesteps and the offset.</param>
    /// <param name="spacing">The spacing.</param>
    /// <param name="steps">Number of timesteps.</param>
    /// <param name="includesEnd">
    /// Whether the lowest timestep of the leading and linspace grids is one of the steps; otherwise the last step leads to it, and the
    /// grid has one more point.
    /// </param>
    /// <exception cref="InvalidInputException">The grid cannot have that many different timesteps.</exception>
    public static long[] Create(SchedulerConfig config, TimestepSpacing spacing, int steps, bool includesEnd)
    {
        var count = config.Noise.TrainTimesteps;
        InvalidInputException.RequireRange(steps, 1, count, "Steps");
        var points = includesEnd ? steps : steps + 1;
        double top = count - 1;
        var grid = new long[steps];
        for (var i = 0; i < steps; i++)
        {
            var rank = points - 1 - i; // 0 is the lowest point
            grid[i] = spacing switch
            {
                TimestepSpacing.Leading => (rank * (count / points)) + config.StepsOffset,
                TimestepSpacing.Trailing => (long)Math.Round(count - (i * ((double)count / steps))) - 1,
                _ => points == 1 ? 0 : rank == points - 1 ? count - 1 : (long)Math.Round(rank * (top / (points - 1))),
            };
        }
        var inRange = grid[^1] >= 0 && grid[0] < count;
        var falls = Enumerable.Range(1, steps - 1).All(i => grid[i] < grid[i - 1]);
        return inRange && falls
            ? grid
            : throw new InvalidInputException(
                "Steps", $"{steps} steps do not fit this scheduler ({count} timesteps, offset {config.StepsOffset}).", "Use fewer.");
    }
}
