using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench studio</c>: measures waiting times in the studio, through its engine.</summary>
internal static class StudioBench
{
    private const string Prompt = "a white house in a field";
    private static readonly string[] Colors = ["red", "blue", "green", "yellow", "pink", "orange", "purple", "brown", "black"];

    public static Command Create(CancellationToken cancellationToken)
    {
        var steps = Parsed.Number("--steps", "Denoising steps", 30);
        var repeats = Parsed.Number("--repeats", $"Repetitions, 1 to {Colors.Length - 1}; the median is printed", 5);
        var command = new Command("studio", "Measure the studio: time of a new image, its first edit, the next edit and a weight change") { steps, repeats };
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            if (parse.GetValue(repeats) < 1 || parse.GetValue(repeats) >= Colors.Length)
                throw new InvalidInputException($"--repeats is {parse.GetValue(repeats)}; give a number from 1 to {Colors.Length - 1}.");
            var facts = Measure(model.Offer(parse, report.Quiet(parse)), parse.GetValue(steps), parse.GetValue(repeats), cancellationToken);
            Console.Out.WriteLine(report.Json(parse) ? Json.Line(facts) : Table(facts));
            return ExitCode.Done;
        });
        return command;
    }

    private static JsonObject Measure(OfferedModel model, int steps, int repeats, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("p2p-bench-studio-");
        try
        {
            using var store = new StudioStore(folder.FullName, TimeProvider.System);
            return Measure(store, model, steps, repeats, cancellationToken).GetAwaiter().GetResult();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<JsonObject> Measure(StudioStore store, OfferedModel model, int steps, int repeats, CancellationToken cancellationToken)
    {
        await using var engine = new StudioEngine(store, [model], new EngineLimits(), TimeProvider.System);
        var project = store.CreateProject("bench").Id;
        var (images, first, next, faders) = (new List<Waited>(), new List<Waited>(), new List<Waited>(), new List<Waited>());
        // The first round includes loading the model and does not count.
        for (var round = 0; round <= repeats; round++)
        {
            var source = await Time(new DrawnRecipe { Prompt = Prompt, Seed = (ulong)round, Steps = steps, Guidance = 5 }, images);
            await Time(Edit(source, $"a {Colors[round]} house in a field"), first);
            await Time(Edit(source, $"a {Colors[round]} house in a field at night"), next);
            await Time(Edit(source, $"a ({Colors[round]}:1.5) house in a field at night"), faders);
            if (round == 0)
                new[] { images, first, next, faders }.ToList().ForEach(list => list.Clear());
        }

        return new JsonObject
        {
            ["model"] = model.Name,
            ["steps"] = steps,
            ["repeats"] = repeats,
            ["picture"] = Median(images),
            ["firstEdit"] = Median(first),
            ["nextEdit"] = Median(next),
            ["faderStep"] = Median(faders),
        };

        async Task<string> Time(Recipe recipe, List<Waited> times)
        {
            var (started, processor) = (TimeProvider.System.GetTimestamp(), Environment.CpuUsage.TotalTime);
            var over = await engine.Submit(project, null, recipe).WhenOver(cancellationToken);
            times.Add(new(TimeProvider.System.GetElapsedTime(started).TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds));
            return over.Version ?? throw new InvalidInputException(over.Problem ?? "The run was stopped.");
        }
    }

    private static EditedRecipe Edit(string source, string prompt) => new() { Source = source, Prompt = prompt };

    private static JsonObject Median(List<Waited> times) => new()
    {
        ["seconds"] = Math.Round(times.Select(time => time.Seconds).Order().ElementAt(times.Count / 2), 3),
        ["processorSeconds"] = Math.Round(times.Select(time => time.Processor).Order().ElementAt(times.Count / 2), 3),
    };

    private static string Table(JsonObject facts)
    {
        return string.Create(CultureInfo.InvariantCulture, $"""
            {facts["model"]}, {facts["steps"]} steps, median of {facts["repeats"]}: seconds until it is there, and of all processors
            a new picture   {Row("picture")}
            its first edit  {Row("firstEdit")}
            the next edit   {Row("nextEdit")}
            a fader's step  {Row("faderStep")}
            """);

        string Row(string name) => string.Create(CultureInfo.InvariantCulture, $"{(double)facts[name]!["seconds"]!,7:F2} {(double)facts[name]!["processorSeconds"]!,7:F2}");
    }

    // On a busy machine only the first number grows.
    private readonly record struct Waited(double Seconds, double Processor);
}
