using System.CommandLine;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Evaluation.Devices;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Lab.Benches;

/// <summary>
/// <c>p2p-lab bench device</c>: compares a GPU's results with the CPU's in every compute type, and measures time and memory of edits.
/// </summary>
internal static class DeviceBench
{
    // The tolerance for traces at the end of a run.
    private const double Tolerance = 1e-3;

    public static Command Create(CancellationToken cancellationToken)
    {
        var steps = Parsed.Number("--steps", "Denoising steps of the timed edits", 50);
        var paritySteps = Parsed.Number("--parity-steps", "Denoising steps of the edit that is compared with the CPU", 4);
        var sides = Parsed.Of("--sides", "Image sides of the timed edits, in pixels", "numbers such as 512,1024", ReadSides);
        sides.DefaultValueFactory = _ => [512, 1024];
        var command = new Command("device", "Compare a GPU with the CPU: parity, data types, time and memory") { steps, paritySteps, sides };
        var model = new ModelOptions().AddWithoutTypeTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var device = model.Device(parse);
            InvalidInputException.Require(
                device.type == DeviceType.CUDA || model.IsNamed(parse),
                $"There is no GPU to measure: {LibTorch.Describe().WhyNoCuda}; --device cpu compares the types of numbers on the CPU.");
            InvalidInputException.Require(parse.GetValue(steps) is >= 1 and <= 1000, $"--steps is {parse.GetValue(steps)}; give a number from 1 to 1000.");
            InvalidInputException.Require(parse.GetValue(paritySteps) is >= 1 and <= 1000, $"--parity-steps is {parse.GetValue(paritySteps)}; give a number from 1 to 1000.");
            var measured = LongRun.Show(report.Quiet(parse), display => Measure(
                (place, type) => model.LoadOn(parse, place, type), device, parse.GetValue(sides)!, parse.GetValue(steps), parse.GetValue(paritySteps), display, cancellationToken));
            var found = new DeviceReport(ComputeDevice.Describe(device), model.Directory(parse), measured, Tolerance);
            Console.Out.WriteLine(report.Json(parse) ? Json.Line(found.ToJson()) : found.Text());
            if (found.Failure is not { } failure)
                return ExitCode.Done;
            Console.Error.WriteLine($"{parse.RootCommandResult.Command.Name}: {failure}");
            return ExitCode.Failed;
        });
        return command;
    }

    private static DeviceMeasurements Measure(
        Func<Device, ScalarType, StableDiffusionModel> load, Device device, IReadOnlyList<int> sides, int steps, int paritySteps,
        IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        // The smallest size comes first: libtorch keeps its peak memory, which is then that of the latest run.
        ScalarType[] types = [.. device.type == DeviceType.CUDA ? [ScalarType.Float16] : Array.Empty<ScalarType>(), ScalarType.BFloat16, ScalarType.Float32];
        var (done, total) = (0, 1 + (types.Length * (1 + sides.Count)));
        DeviceRun reference;
        using (var model = load(CPU, ScalarType.Float32))
            reference = Count(DeviceRun.Of(model, model.ImageSide, paritySteps, cancellationToken));
        var (compared, timed) = (new List<ComparedType>(), new List<TimedEdit>());
        foreach (var type in types)
        {
            using var model = load(device, type);
            // This is the first run of its type: compilation and kernel selection at first use do not count for the timed runs.
            compared.Add(new(type, Count(DeviceRun.Of(model, model.ImageSide, paritySteps, cancellationToken))));
            timed.AddRange(sides.Order().Select(side => new TimedEdit(type, side, steps, Count(DeviceRun.Of(model, side, steps, cancellationToken)))));
        }

        return new(reference, compared, timed);

        DeviceRun Count(DeviceRun run)
        {
            display.Report(new("edits on two devices", ++done, total, "edits"));
            return run;
        }
    }

    private static int[] ReadSides(string text)
    {
        int[] sides = [.. text.Split(',').Select(part => int.Parse(part, System.Globalization.CultureInfo.InvariantCulture))];
        return sides.All(side => side is > 0 and <= 1 << 14) ? sides : throw new FormatException();
    }
}

/// <summary>An edit in one compute type, to be compared with the CPU's in float32.</summary>
internal sealed record ComparedType(ScalarType Type, DeviceRun Run);

/// <summary>An edit whose time and memory are measured.</summary>
internal sealed record TimedEdit(ScalarType Type, int Side, int Steps, DeviceRun Run);

/// <summary>The measurements of <see cref="DeviceBench"/>.</summary>
/// <param name="Reference">The edit on the CPU in float32.</param>
/// <param name="Compared">The same edit on the device.</param>
/// <param name="Timed">Edits at the requested sizes.</param>
internal sealed record DeviceMeasurements(DeviceRun Reference, IReadOnlyList<ComparedType> Compared, IReadOnlyList<TimedEdit> Timed);
