using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;
using TorchSharp;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench soak</c>: the memory of the process while one studio makes many edits.</summary>
internal static class SoakBench
{
    private const int Readings = 6;
    private static readonly string[] Colors = ["red", "blue", "green", "yellow", "pink", "orange", "purple", "brown", "black"];

    public static Command Create(CancellationToken cancellationToken)
    {
        var edits = Parsed.Number("--edits", "Number of edits", 300);
        var steps = Parsed.Number("--steps", "Denoising steps", 6);
        var command = new Command("soak", "Measure the memory of the process over many edits in the studio") { edits, steps };
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            if (parse.GetValue(edits) < Readings)
                throw new InvalidInputException($"--edits is {parse.GetValue(edits)}; give a number from {Readings}.");
            var folder = Directory.CreateTempSubdirectory("p2p-bench-soak-");
            try
            {
                using var store = new StudioStore(folder.FullName, TimeProvider.System);
                var facts = Measure(store, model.Offer(parse, report.Quiet(parse)), model.Device(parse), parse.GetValue(edits), parse.GetValue(steps), cancellationToken).GetAwaiter().GetResult();
                Console.Out.WriteLine(report.Json(parse) ? Json.Line(facts) : Table(facts));
                return ExitCode.Done;
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        });
        return command;
    }

    private static async Task<JsonObject> Measure(StudioStore store, OfferedModel model, torch.Device device, int edits, int steps, CancellationToken cancellationToken)
    {
        await using var engine = new StudioEngine(store, [model], new EngineLimits(), TimeProvider.System);
        var project = store.CreateProject("soak").Id;
        var readings = new JsonArray();
        var source = await Make(new DrawnRecipe { Prompt = "a white house in a field", Seed = 4, Steps = steps, Guidance = 5 });
        for (var edit = 1; edit <= edits; edit++)
        {
            // Another weight each time, so that no picture is there already.
            var weight = 1 + (edit / 1000.0);
            await Make(new EditedRecipe { Source = source, Prompt = string.Create(CultureInfo.InvariantCulture, $"a ({Colors[edit % Colors.Length]}:{weight:F3}) house in a field") });
            if (edit * Readings / edits != (edit - 1) * Readings / edits)
            {
                var reading = new JsonObject { ["edits"] = edit, ["megabytes"] = Environment.WorkingSet >> 20 };
                if (DeviceMemory.FreeOf(device) is { } free)
                    reading["gpu_free_megabytes"] = free >> 20;
                readings.Add(reading);
            }
        }

        return new JsonObject { ["model"] = model.Name, ["steps"] = steps, ["readings"] = readings };

        async Task<string> Make(Recipe recipe)
        {
            var over = await engine.Submit(project, null, recipe).WhenOver(cancellationToken);
            return over.Version ?? throw new InvalidInputException(over.Problem ?? "The run was stopped.");
        }
    }

    private static string Table(JsonObject facts) => string.Join('\n', facts["readings"]!.AsArray()
        .Select(reading => $"after {reading!["edits"],5} edits {reading["megabytes"],6} MB{(reading["gpu_free_megabytes"] is { } free ? $", {free} MB free on the GPU" : "")}").Prepend($"{facts["model"]}, {facts["steps"]} steps: resident memory"));
}
