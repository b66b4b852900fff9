using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Native.Numerics;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p doctor</c>: checks libtorch, the device, the numerics and the model on this machine.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var command = new Command("doctor", "Check libtorch, the device, the numerics and the model").In(HelpGroup.System);
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddJsonTo(command);
        command.SetAction(parse =>
        {
            var findings = new JsonObject { ["version"] = RunRecord.Version };
            var problem = Examine(parse, model, findings);
            findings["problem"] = problem;
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(findings));
            else
                Print(findings);
            if (problem is null)
            {
                if (!report.Json(parse))
                    Console.Out.WriteLine($"All checks passed: p2p works on this machine and runs on {findings["device"]}.");
                return ExitCode.Done;
            }

            Console.Error.WriteLine($"{parse.RootCommandResult.Command.Name}: {problem}");
            return ExitCode.Failed;
        });
        return command;
    }

    private static string? Examine(ParseResult parse, ModelOptions options, JsonObject findings)
    {
        try
        {
            var facts = LibTorch.Describe();
            findings["TorchSharp"] = facts.TorchSharpVersion;
            findings["libtorch"] = facts.LibTorchVersion;
            findings["libtorch file"] = facts.LibTorchPath;
            findings["wrapper file"] = facts.WrapperPath;
            findings["wrapper adapted to an older libstdc++"] = facts.IsPatched;
            findings["processor"] = facts.Processor;
            findings["threads"] = facts.Threads;
            findings["instructions"] = facts.CpuCapability;
            findings["bfloat16 arithmetic"] = facts.HasBFloat16Arithmetic;
            findings["CUDA"] = facts.WhyNoCuda is null;
            findings["no CUDA because"] = facts.WhyNoCuda;
            if (facts.Gpus.Count > 0)
                findings["GPUs"] = Json.Array([.. facts.Gpus.Select(gpu => gpu.ToString())]);
            var device = options.Device(parse);
            var verdict = MachineNumerics.Check(device, out var numerics);
            findings["numerics"] = verdict == NumericsVerdict.RightWithoutOneDnn ? $"{numerics}; right with oneDNN disabled, which every run here does" : numerics.ToString();
            findings["float32 linear layers"] = LinearChoice.Describe(device);
            using var model = options.Load(parse);
            findings["model"] = model.Directory;
            findings["device"] = model.Device.ToString();
            findings["types"] = model.Precision.Identity.ToLowerInvariant();
            var side = model.ImageSide;
            findings["picture size"] = $"{side}x{side}";
            return verdict == NumericsVerdict.Ignored ? $"Numbers are wrong on this machine; {MachineNumerics.IgnoreVariable} is set, so runs continue." : null;
        }
        catch (Exception e) when (e is LibTorchLoadException or InvalidInputException or WrongNumericsException)
        {
            return e is InvalidInputException input ? input.Describe(OptionNames.Of) : e.Message;
        }
    }

    private static void Print(JsonObject findings)
    {
        // Plain lines: a table would wrap the paths.
        var shown = findings.Where(finding => finding.Value is not null && finding.Key != "problem").ToList();
        var width = shown.Max(finding => finding.Key.Length) + 2;
        foreach (var (name, value) in shown)
            Console.Out.WriteLine($"{name.PadRight(width)}{value}");
    }
}
