using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
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
        Description = "Load one model part at a time and run the batch row by row where the method allows it. Slower; same images up to rounding. Used automatically when the run would not fit",
        Group = HelpGroup.Model,
    };

    private readonly Option<bool> tiling = new("--vae-tiling")
    {
        Description = "Run the autoencoder on tiles for images larger than 512 pixels. Much less memory; slightly different colors",
        Group = HelpGroup.Model,
    };

    /// <summary>The option that changes pictures slightly.</summary>
    public Option Tiling => tiling;

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
    /// <param name="dtype">Type of the weights.</param>
    /// <param name="device">The device.</param>
    /// <param name="demand">What the run needs; null if unknown.</param>
    /// <param name="rowByRow">How the rows of the run could be computed one after another, for the error of one that takes all of them; null if unknown.</param>
    /// <exception cref="InvalidInputException">The run does not fit in memory without changing pictures.</exception>
    public ModelLoadOptions Choose(ParseResult parse, string path, ModelLoadOptions files, ScalarType dtype, Device device, MemoryDemand? demand, string? rowByRow = null)
    {
        var chosen = files with { TiledVae = parse.GetValue(tiling), OnePartAtATime = parse.GetValue(low) };
        if (demand is not { } run)
            return chosen;
        var precision = Precision.On(device, dtype);
        var free = DeviceMemory.FreeOf(device);
        if (device.type != TorchSharp.DeviceType.CPU && free is null)
            return chosen;
        // The original image and its result are in the machine's memory.
        run = free is null ? run : run with { Given = null };
        var available = free ?? DeviceMemory.Machine;
        var owner = free is null ? "this machine has" : $"{ComputeDevice.Describe(device)} has free";
        var needed = Estimate(chosen).Peak;
        if (needed <= available)
            return chosen;
        if (!run.TakesAllParts)
            chosen = chosen with { OnePartAtATime = true };
        try
        {
            Estimate(chosen).RequireFits(available, owner, run.TakesAllParts);
        }
        catch (InvalidInputException e) when (run.RowsTogether > 0 && rowByRow is not null && MemoryEstimate.Of(path, chosen, precision, run with { RowsTogether = 0 }).Peak <= available)
        {
            throw new InvalidInputException($"{e.Message} Or {rowByRow}: the rows of a step can then be computed one after another, which fits.", e);
        }

        Console.Error.WriteLine(
            $"note: this run needs about {FileSize.Text(needed)} and {owner} {FileSize.Text(available)}; using --low-memory");
        return chosen;

        MemoryEstimate Estimate(ModelLoadOptions way) => MemoryEstimate.Of(path, way, precision, run);
    }
}
