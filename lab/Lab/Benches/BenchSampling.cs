using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Lab.Benches;

/// <summary>The sampling options of a benchmark: steps, guidance and seed.</summary>
internal sealed class BenchSampling
{
    private readonly Option<int> steps;
    private readonly Option<double> guidance;
    private readonly Option<int> seed;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="standardSteps">Default number of steps.</param>
    /// <param name="standardGuidance">Default guidance.</param>
    /// <param name="seeded">What the seed determines, for the help text.</param>
    public BenchSampling(Command command, int standardSteps, double standardGuidance, string seeded)
    {
        steps = Parsed.Number("--steps", "Denoising steps", standardSteps);
        guidance = Parsed.Number("--guidance", "Classifier-free guidance", standardGuidance);
        seed = Parsed.Number("--seed", $"Seed of {seeded}", 1);
        command.Add(steps);
        command.Add(guidance);
        command.Add(seed);
    }

    /// <summary>The parsed values.</summary>
    /// <exception cref="InvalidInputException">A number is out of its range.</exception>
    public (int Steps, double Guidance, int Seed) Of(ParseResult parse)
    {
        var count = parse.GetValue(steps);
        if (count is < 1 or > 1000)
            throw new InvalidInputException($"--steps is {count}; give a number from 1 to 1000.");
        return (count, parse.GetValue(guidance), parse.GetValue(seed));
    }
}
