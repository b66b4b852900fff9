namespace PromptToPrompt.Diffusion.Sampling;

/// <summary>The timesteps a run visits, from noise to picture.</summary>
internal static class TimestepGrid
{
    /// <summary>Computes the timesteps; rounding is to even, as NumPy does it.</summary>
    /// <param name="config">Gives the number of training timesteps and the offset.</param>
    /// <param name="spacing">How they are spread.</param>
    /// <param name="steps">How many there are.</param>
    /// <param name="includesEnd">
    /// Whether the lowest timestep of the leading and linspace grids is one of the steps; otherwise it is where the last step goes to, and the
    /// grid is made for one more.
    /// </param>
    /// <exception cref="InvalidInputException">So many different timesteps do not exist.</exception>
    public static long[] Create(SchedulerConfig config, TimestepSpacing spacing, int steps, bool includesEnd)
    {
        var count = config.TrainTimesteps;
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
