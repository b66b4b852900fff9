using System.CommandLine;
using System.Globalization;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Evaluation.Inversions;
using PromptToPrompt.Evaluation.Quality;
using Spectre.Console;

namespace PromptToPrompt.Lab.Benches;

/// <summary>
/// <c>p2p-lab bench inversion</c>: measures how well each inversion method reconstructs images, and what edits of them keep and change.
/// </summary>
internal static class InversionBench
{
    private const int StandardImages = 100;
    private const int Samples = 4;

    private static readonly EditQualityOptions Standard = new();

    public static Command Create(CancellationToken cancellationToken)
    {
        var images = Parsed.Number("--pictures", "Held-out drawings", StandardImages);
        var photos = new Option<string?>("--photos") { Description = "Folder of photographs, named by their prompts or with a captions.txt (name, tab, prompt)", HelpName = "dir" };
        var rates = Parsed.Of<double[]>("--learning-rates", "Further learning rates for null-text, such as 0.03,0.1", "numbers above 0 with commas between them", ReadRates);
        rates.DefaultValueFactory = _ => [];
        var only = new Option<string[]>("--only") { Description = "Only these methods, by their names in the table", HelpName = "name", AllowMultipleArgumentsPerToken = true };
        var markdown = new Option<bool>("--markdown") { Description = "Write the tables as Markdown" };
        var command = new Command("inversion", "Measure the inversion methods") { images, photos, rates, only, markdown };
        var sampling = new BenchSampling(command, Standard.Steps, Standard.Guidance, "the drawings and the edit-friendly noise");
        var run = new BenchRun(command, "inversions.json", "inversions.png");
        command.SetAction(parse =>
        {
            var (steps, guidance, seed) = sampling.Of(parse);
            var shared = new InversionSettings { Prompt = "", Sampling = new() { Steps = steps, Guidance = guidance, Seed = (ulong)seed } };
            var contenders = Choose(InversionContender.All(shared, parse.GetValue(rates)!), parse.GetValue(only)!);
            foreach (var contender in contenders)
                contender.Settings.Validate();
            if (parse.GetValue(images) < 0 || (parse.GetValue(images) == 0 && parse.GetValue(photos) is null))
                throw new InvalidInputException("--pictures must be above 0, or 0 with --photos.");
            return run.Execute(parse, tools =>
            {
                var photographs = parse.GetValue(photos) is { } path ? Parsed.Named("--photos", () => PhotoFolder.Read(path, tools.Model)) : [];
                List<SampleGroup> groups =
                [
                    new("drawings", parse.GetValue(images), HeldOutImages.Draw(tools.Model, parse.GetValue(images), seed)),
                    new("photographs", photographs.Count, photographs),
                ];
                var comparison = new InversionComparison(tools.Model, tools.Judge, TimeProvider.System);
                var measured = groups.Where(group => group.Count > 0).Select(group => LongRun.Show(
                    tools.Quiet, display => Measure(comparison, group, contenders, display, cancellationToken))).ToList();
                cancellationToken.ThrowIfCancellationRequested();
                var report = new InversionReport(shared, measured);
                return new(report.ToJson(), () => InversionSheet.Draw(measured, contenders), () => report.Print(parse.GetValue(markdown)));
            });
        });
        return command;
    }

    private static double[] ReadRates(string text)
    {
        var rates = text.Split(',').Select(part => double.Parse(part, NumberStyles.Float, CultureInfo.InvariantCulture)).ToArray();
        return rates.All(rate => rate > 0 && double.IsFinite(rate)) ? rates : throw new FormatException();
    }

    private static IReadOnlyList<InversionContender> Choose(IReadOnlyList<InversionContender> all, string[] names)
    {
        if (names.FirstOrDefault(name => all.All(contender => contender.Name != name)) is { } unknown)
            throw new InvalidInputException($"--only: there is no \"{unknown}\"; choose among {string.Join(", ", all.Select(contender => contender.Name))}.");
        return names.Length == 0 ? all : [.. all.Where(contender => names.Contains(contender.Name))];
    }

    private static MeasuredGroup Measure(
        InversionComparison comparison, SampleGroup group, IReadOnlyList<InversionContender> contenders, IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        var trials = new List<InversionTrial>();
        var total = group.Count * contenders.Count;
        display.Report(new(group.Name, 0, total, "inversions"));
        foreach (var sample in group.Images)
        {
            foreach (var trial in comparison.Run(sample, contenders, cancellationToken))
            {
                // Only some images are kept, to limit memory.
                trials.Add(trials.Count < Samples * contenders.Count ? trial : trial with { Images = null });
                display.Report(new(group.Name, trials.Count, total, "inversions", trial.Contender.Name));
            }
        }

        return new(group.Name, trials, ContenderSummary.Of(trials));
    }

    private sealed record SampleGroup(string Name, int Count, IEnumerable<SampleImage> Images);
}
