using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Options;

/// <summary>
/// Options that save memory. Those that do not change pictures are used automatically; those that do are only used on request.
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

    /// <summary>The option that changes pictures slightly.</summary>
    public Option Tiling => tiling;

    // The memory of the machine, or the container's limit.
    private static long Available => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    public MemoryOptions AddTo(Command command)
    {
        command.Add(low);
        command.Add(tiling);
        return this;
    }

    /// <summary>Chooses how to load a model so that the run fits in memory.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="path">The model.</param>
    /// <param name="files">How to load it by default.</param>
    /// <param name="dtype">Data type of the computation.</param>
    /// <param name="demand">What the run needs; null if unknown, or if it does not run in this machine's memory.</param>
    /// <exception cref="InvalidInputException">The run does not fit in memory without changing pictures.</exception>
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
            $"note: this run needs about {FileSize.Text(needed)} and this machine has {FileSize.Text(Available)}; using --low-memory");
        return chosen;

        MemoryEstimate Estimate(ModelLoadOptions way) => MemoryEstimate.Of(path, way, dtype, run);
    }
}
