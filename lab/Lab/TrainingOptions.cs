using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Native.Numerics;
using PromptToPrompt.Storybook.Training;
using TorchSharp;

namespace PromptToPrompt.Lab;

/// <summary>The options for device, type and threads of a training.</summary>
internal sealed class TrainingOptions
{
    private const string Fastest = "fastest";

    private readonly Option<string> device = Parsed.Of("--device", "Device: auto, cpu, cuda or cuda:N. A run can resume on another one", "auto, cpu, cuda or cuda:N", ReadDevice).In(HelpGroup.Model);
    private readonly Option<string> dtype = Parsed.Choice(
        "--dtype", "Type of the forward and backward passes; weights and optimizer are float32 in either", Fastest, Fastest, "float32", "bfloat16").In(HelpGroup.Model);
    private readonly Option<int?> threads = Parsed.OptionalNumber<int>("--threads", "Threads that draw images, and that compute on a CPU; by default the number of cores");

    public TrainingOptions() => device.DefaultValueFactory = _ => ComputeDevice.Auto;

    public TrainingOptions AddTo(Command command)
    {
        command.Add(device);
        command.Add(dtype);
        command.Add(threads);
        return this;
    }

    /// <summary>Threads that draw images.</summary>
    public int DrawingThreads(ParseResult parse) => parse.GetValue(threads) ?? TrainingDevice.Cores;

    /// <summary>Loads libtorch, sets its threads and checks the device.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="quiet">Whether not to name a device that was chosen automatically.</param>
    public TrainingDevice Open(ParseResult parse, bool quiet)
    {
        InvalidInputException.Require(parse.GetValue(threads) is null or > 0, "--threads must be above 0.");
        var chosen = ComputeDevice.Named(parse.GetValue(device)!);
        if (parse.GetValue(threads) is { } count)
            torch.set_num_threads(count);
        Warnings.Numerics(MachineNumerics.Require(chosen));
        if (!quiet && parse.GetValue(device) == ComputeDevice.Auto)
            Console.Error.WriteLine($"device: {ComputeDevice.Describe(chosen)}");
        return parse.GetValue(dtype) switch
        {
            "float32" => new(chosen, torch.ScalarType.Float32),
            "bfloat16" => new(chosen, torch.ScalarType.BFloat16),
            _ => TrainingDevice.On(chosen),
        };
    }

    private static string ReadDevice(string text) => ComputeDevice.IsName(text.ToLowerInvariant()) ? text.ToLowerInvariant() : throw new FormatException();
}
