using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench model</c>: time and memory of edits and inversions with any model, at any size.</summary>
internal static class ModelBench
{
    private const string FirstEdit = "first-edit", NextEdit = "next-edit", Invert = "invert";
    private const string Source = "a red house in a field", Target = "a red castle in a field";

    // The first step includes setup, the last one decoding; only those between are pure steps.
    private const int MinSteps = 3;

    public static Command Create(CancellationToken cancellationToken)
    {
        var what = new Option<string[]>("--what")
        {
            Description = "Measurement. Repeatable; memory is most exact with one per run",
            HelpName = $"{FirstEdit}|{NextEdit}|{Invert}",
            DefaultValueFactory = _ => [FirstEdit],
        };
        what.AcceptOnlyFromAmong(FirstEdit, NextEdit, Invert);
        var size = SamplingOptions.CreateSize();
        var steps = Parsed.Number("--steps", $"Denoising steps, at least {MinSteps}", MinSteps);
        var guidance = Parsed.Number("--guidance", "Classifier-free guidance scale; 1 turns it off and halves the rows", 7.5);
        var command = new Command("model", "Measure time and memory of edits and inversions with a model") { what, size, steps, guidance };
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            InvalidInputException.Require(parse.GetValue(steps) >= MinSteps, $"--steps is {parse.GetValue(steps)}; give at least {MinSteps}.");
            InvalidInputException.Require(ResidentMemory.IsKnown, "This system does not tell what memory a process takes; measure on Linux.");
            var wanted = parse.GetValue(what)!;
            var rows = parse.GetValue(guidance) == 1 ? 1 : 2;
            var demand = new MemoryDemand(wanted.Contains(FirstEdit) ? 2 * rows : rows, parse.GetValue(size) is { } given ? new PixelSize(given.Width, given.Height) : null, wanted.Contains(Invert) ? 1 : 0);
            var started = Spent.Now;
            using var loaded = model.Load(parse, demand);
            model.Announce(parse, loaded.Device, report.Quiet(parse));
            var source = new GenerationRequest
            {
                Prompt = Source,
                Sampling = new() { Steps = parse.GetValue(steps), Guidance = parse.GetValue(guidance), Size = demand.Size },
            };
            var measured = new JsonArray { Row("loading", 0, Spent.Since(started), null) };
            foreach (var one in wanted.Distinct())
            {
                foreach (var row in Measure(loaded, source, one, cancellationToken))
                    measured.Add(row);
            }

            var facts = new JsonObject
            {
                ["model"] = loaded.Directory,
                ["dtype"] = loaded.Precision.Identity.ToLowerInvariant(),
                ["size"] = $"{demand.Size ?? new PixelSize(loaded.ImageSide, loaded.ImageSide)}",
                ["threads"] = TorchSharp.torch.get_num_threads(),
                ["lowMemory"] = loaded.OnePartAtATime,
                ["measured"] = measured,
            };
            Console.Out.WriteLine(report.Json(parse) ? Json.Line(facts) : Table(facts));
            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<JsonNode> Measure(StableDiffusionModel model, GenerationRequest source, string what, CancellationToken cancellationToken)
    {
        var clock = new StepClock();
        var edit = new EditRequest { Prompts = [Target] };
        switch (what)
        {
            case FirstEdit:
                using (EditRun.Execute(model, source, edit, progress: clock, cancellationToken: cancellationToken))
                    yield return Row("first edit, source and edit together", clock);
                break;
            case NextEdit:
                using (var session = new EditSession(model, source, model.Dtype, long.MaxValue))
                {
                    InvalidInputException.Require(session.IsRecorded, $"Recording the source takes {session.RequiredBytes >> 20} MB. Use fewer steps or bfloat16.");
                    using (session.RunSource(progress: clock, cancellationToken: cancellationToken))
                        yield return Row("source, recorded", clock);
                    clock = new StepClock();
                    using (session.Edit(edit, progress: clock, cancellationToken: cancellationToken))
                        yield return Row("next edit", clock);
                }

                break;
            default:
                var size = source.Sampling.Size ?? new PixelSize(model.ImageSide, model.ImageSide);
                using (var latents = InitialNoise.FromSeed(model, source.Sampling.Seed, size.Height, size.Width))
                {
                    ResidentMemory.ForgetPeak();
                    var started = Spent.Now;
                    var settings = new InversionSettings
                    {
                        Prompt = Source,
                        Sampling = new() { Steps = 1, Guidance = source.Sampling.Guidance },
                        Method = new NullTextInversion { InnerSteps = 1, EarlyStop = 0 },
                    };
                    using (InversionMethod.Invert(model, latents, settings, cancellationToken: cancellationToken))
                        yield return Row("null-text inversion, one step and iteration", 1, Spent.Since(started), null);
                }

                break;
        }
    }

    private static JsonObject Row(string what, StepClock clock) => Row(what, clock.Rows, clock.Beside, clock.Step);

    private static JsonObject Row(string what, int rows, Spent beside, Spent? step) => new()
    {
        ["what"] = what,
        ["rows"] = rows,
        ["stepSeconds"] = step?.Rounded.Seconds,
        ["stepProcessorSeconds"] = step?.Rounded.Processor,
        ["otherSeconds"] = beside.Rounded.Seconds,
        ["otherProcessorSeconds"] = beside.Rounded.Processor,
        ["peakBytes"] = ResidentMemory.Peak,
    };

    private static string Table(JsonObject facts) => string.Join('\n', [
        string.Create(CultureInfo.InvariantCulture, $"{facts["model"]}, {facts["dtype"]}, {facts["size"]}, {facts["threads"]} thread(s){((bool)facts["lowMemory"]! ? ", low memory" : "")}"),
        $"{"",-45}{"rows",5}{"a step: s",11}{"processor s",13}{"beside: s",11}{"processor s",13}{"peak GB",9}",
        .. facts["measured"]!.AsArray().Select(row => string.Create(
            CultureInfo.InvariantCulture,
            $"{row!["what"],-45}{row["rows"],5}{Shown(row["stepSeconds"]),11}{Shown(row["stepProcessorSeconds"]),13}{Shown(row["otherSeconds"]),11}{Shown(row["otherProcessorSeconds"]),13}{(long)row["peakBytes"]! / 1e9,9:F2}")),
    ]);

    private static string Shown(JsonNode? seconds) => Figures.Shown((double?)seconds, "F1");

    /// <summary>Elapsed time, and CPU time of all cores; only the latter is comparable when other processes share the cores.</summary>
    private readonly record struct Spent(double Seconds, double Processor)
    {
        public static Spent Now => new(TimeProvider.System.GetTimestamp() / (double)TimeProvider.System.TimestampFrequency, Environment.CpuUsage.TotalTime.TotalSeconds);

        public Spent Rounded => new(Math.Round(Seconds, 2), Math.Round(Processor, 2));

        public static Spent Since(Spent then) => Now - then;

        public static Spent operator -(Spent a, Spent b) => new(a.Seconds - b.Seconds, a.Processor - b.Processor);

        public static Spent operator *(double factor, Spent a) => new(factor * a.Seconds, factor * a.Processor);
    }

    /// <summary>Separates the steps from the work before the first and after the last.</summary>
    private sealed class StepClock : IProgress<EditProgress>
    {
        private readonly Spent started = Spent.Now;
        private readonly List<Spent> reports = [];

        public StepClock() => ResidentMemory.ForgetPeak();

        public int Rows { get; private set; }

        public Spent Step => 1.0 / (reports.Count - 2) * (reports[^2] - reports[0]);

        public Spent Beside => reports[^1] - started - (reports.Count * Step);

        public void Report(EditProgress value)
        {
            Rows = value.Rows;
            reports.Add(Spent.Now);
        }
    }
}
