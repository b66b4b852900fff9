using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Options;

/// <summary>
/// What a run may take of the machine's memory. What leaves pictures as they are is chosen where it is needed; what changes them only when it is asked for.
/// </summary>
internal sealed class MemoryOptions
{
    private readonly Option<bool> low = new("--low-memory")
    {
        Description = "Load one model part at a time and run the batch row by row. Slower; same images up to rounding. Used automatically when the run would not fit",
        Group = HelpGroup.Model,
    };

    private readonly Option<bool> tiling = new("--vae-tiling")
    {
        Description = "Run the autoencoder on tiles for images larger than 512 pixels. Much less memory; slightly different colors",
        Group = HelpGroup.Model,
    };

    /// <summary>The option that changes pictures.</summary>
    public Option Tiling => tiling;

    // What the machine has, or the container lets the process have.
    private static long Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    public MemoryOptions AddTo(Command command)
    {
        command.Add(low);
        command.Add(tiling);
        return this;
    }

    /// <summary>How a model is loaded for a run, so that the machine holds it.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="path">The model.</param>
    /// <param name="files">How it would be loaded.</param>
    /// <param name="dtype">What it computes in.</param>
    /// <param name="demand">What the run does; null where that is not known or the memory is not this machine's.</param>
    /// <exception cref="InvalidInputException">The machine cannot hold the run in any way that leaves its pictures as they are.</exception>
    public ModelLoadOptions Choose(ParseResult parse, string path, ModelLoadOptions files, ScalarType dtype, MemoryDemand? demand)
    {
        var chosen = files with { TiledVae = parse.GetValue(tiling), OnePartAtATime = parse.GetValue(low) };
        if (demand is not { } run)
            return chosen;
        var needed = Estimate(chosen).Peak;
        if (needed <= Available)
            return chosen;
        if (!run.TakesAllParts)
            chosen = chosen with { OnePartAtATime = true };
        Estimate(chosen).RequireFits(Available, run.TakesAllParts);
        Console.Error.WriteLine(
            $"note: at full speed this run would need about {FileSize.Text(needed)} and this machine has {FileSize.Text(Available)}; it is made with --low-memory.");
        return chosen;

        MemoryEstimate Estimate(ModelLoadOptions way) => MemoryEstimate.Of(path, way, dtype, run);
    }
}
