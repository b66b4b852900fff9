using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Editing.TextualInversion;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p learn-concept</c>: learns a new word for prompts from a few pictures (textual inversion).</summary>
internal static class LearnConceptCommand
{
    private const string Extension = ".safetensors";

    public static Command Create(CancellationToken cancellationToken)
    {
        var images = new Argument<string[]>("pictures") { Description = "Images of the concept, of any size", Arity = ArgumentArity.OneOrMore };
        var output = new Option<string>("--output", "-o")
        {
            Description = "File for the embedding; sample sheets are written next to it",
            Group = HelpGroup.Output,
            HelpName = "file",
            DefaultValueFactory = _ => "concept.safetensors",
        };
        var samples = new Option<string[]>("--sample")
        {
            Description = $"Prompt for the sample sheets, with {PromptTemplates.Place} in place of the word. Repeatable",
            HelpName = "prompt",
            Group = HelpGroup.Output,
            DefaultValueFactory = _ => [],
        };
        var every = Parsed.Number("--sample-every", "Steps between sample sheets; 0 for one at the end", 250).In(HelpGroup.Output);
        var count = Parsed.Number("--sample-count", "Images per sample sheet; 0 for no sheets", 4).In(HelpGroup.Output);
        var command = new Command("learn-concept", "Learn a word for prompts from a few images (textual inversion). Run it again to resume") { images, output }.In(HelpGroup.Models);
        var options = new ConceptOptions().AddTo(command);
        command.Add(samples);
        command.Add(every);
        command.Add(count);
        var sampling = new SamplingOptions();
        sampling.AddLearningTo(command);
        var model = new ModelOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var started = TimeProvider.System.GetTimestamp();
            var settings = options.Settings(parse, sampling.ClipSkip(parse));
            settings.Validate();
            var prompts = parse.GetValue(samples) is { Length: > 0 } asked ? asked : [settings.Templates[0]];
            InvalidInputException.Require(parse.GetValue(every) >= 0, every.Name, $"{parse.GetValue(every)} is out of range.", "Use a number of steps, or 0.");
            InvalidInputException.RequireRange(parse.GetValue(count), 0, 16, count.Name);
            foreach (var prompt in prompts)
                InvalidInputException.Require(prompt.Contains(PromptTemplates.Place, StringComparison.Ordinal), "--sample", $"\"{prompt}\" has no placeholder for the word.", $"Write {PromptTemplates.Place} in its place.");
            var names = parse.GetValue(images)!;
            var path = Target(parse.GetValue(output)!, names);
            var captions = options.Captions(parse, names);
            var given = names.Select(ImageFile.Open).ToList();
            var size = sampling.Size(parse);
            using var loaded = model.Load(parse, new MemoryDemand(settings.Batch, size, settings.Batch, TakesAllParts: true));
            var framed = given.Zip(captions, (image, caption) => ExampleImage.Of(image, options.Framing(parse, loaded, image.Size, size), caption)).ToList();
            given.ForEach(image => image.Dispose());
            var quiet = report.Quiet(parse);
            using var training = new TextualInversionTraining(loaded, settings, framed);
            var sheets = new ConceptSheets(training, settings, framed, prompts, parse.GetValue(count), path, cancellationToken);
            model.Announce(parse, loaded.Device, quiet);
            Learn(training, settings, sheets, path, parse.GetValue(every), quiet, cancellationToken);
            var loss = training.HeldOutLoss();
            training.Word.Save(path);
            File.Delete(Unfinished(path));
            AddLast(sheets, path, quiet);
            if (!quiet)
                Warnings.Notation([.. settings.Templates, .. prompts, .. captions.OfType<string>()]);
            var use = $"p2p generate \"{PromptTemplates.Fill(prompts[0], settings.Word)}\" --embedding {RunFolder.Shortest(path)}";
            var facts = Facts(training, settings, loss, path, use, TimeProvider.System.GetElapsedTime(started));
            facts["files"] = Json.Array([path, .. sheets.Files]);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(facts));
            else if (!quiet)
                Console.Out.WriteLine(Summary(facts, settings));
            return ExitCode.Done;
        });
        return command;
    }

    private static string Unfinished(string path) => path + ".unfinished";

    // Check the output path before the run.
    private static string Target(string output, IReadOnlyList<string> images)
    {
        var path = Path.GetFullPath(output);
        if (Directory.Exists(path))
            throw new InvalidInputException("--output", $"{output} is a folder.", "Give the name of a file.");
        if (Path.GetExtension(path) != Extension)
            throw new InvalidInputException("--output", $"{output} does not end in {Extension}.", $"Use {Path.ChangeExtension(output, Extension)}.");
        if (images.Select(Path.GetFullPath).FirstOrDefault(image => image == ConceptSheets.LastOf(path)) is { } image)
            throw new InvalidInputException("--output", $"{image} would be overwritten.", "Use another name.");
        AtomicFile.RequireNoDevice(path);
        RunFolder.RequireWritable(Path.GetDirectoryName(path)!, output, files: [Path.GetFileName(ConceptSheets.LastOf(path)) + "-000000", Path.GetFileName(Unfinished(path))]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    private static void Learn(
        TextualInversionTraining training, TextualInversionSettings settings, ConceptSheets sheets, string path, int sampleEvery, bool quiet, CancellationToken cancellationToken)
    {
        var resumed = File.Exists(Unfinished(path)) && training.Resume(Unfinished(path));
        if (resumed && !quiet)
            Console.Error.WriteLine($"Resuming after {training.Step} steps from {Unfinished(path)}.");
        else if (!resumed && File.Exists(Unfinished(path)))
            Console.Error.WriteLine($"warning: {Unfinished(path)} belongs to a different training run, so this one starts from the beginning.");
        var saver = new UnfinishedSaver(cancellationToken);
        try
        {
            LongRun.Show(quiet, display => Follow(training, settings, display, cancellationToken, () =>
            {
                var isSheetNext = sampleEvery > 0 && training.Step % sampleEvery == 0 && training.Step < settings.Steps && !cancellationToken.IsCancellationRequested;
                saver.Save(() => training.Save(Unfinished(path)), isSheetNext);
                if (!isSheetNext)
                    return;
                // If the step produced NaN, report that here: the sheet would only report that its sampling failed.
                _ = training.HeldOutLoss();
                sheets.Add();
            }));
        }
        catch (OperationCanceledException) when (!quiet)
        {
            Console.Error.WriteLine(saver.HasSaved || resumed
                ? $"Progress is saved in {Unfinished(path)}. Run the same command again to resume."
                : "Nothing to save yet. The same command starts over.");
            throw;
        }
    }

    private static void AddLast(ConceptSheets sheets, string path, bool quiet)
    {
        try
        {
            sheets.AddLast();
        }
        catch (OperationCanceledException) when (!quiet)
        {
            Console.Error.WriteLine($"The word is saved in {path}; only the sample sheet is missing.");
            throw;
        }
    }

    private static int Follow(TextualInversionTraining training, TextualInversionSettings settings, IProgress<LongProgress> display, CancellationToken cancellationToken, Action afterStep)
    {
        const int Window = 50;
        var recent = new Queue<double>();
        foreach (var progress in training.Run(cancellationToken))
        {
            recent.Enqueue(progress.Loss);
            if (recent.Count > Window)
                recent.Dequeue();
            display.Report(new($"learning {settings.Word}", progress.Step, progress.Steps, "steps", string.Create(CultureInfo.InvariantCulture, $"loss {recent.Average():G4}")));
            afterStep();
        }

        return training.Step;
    }

    private static JsonObject Facts(TextualInversionTraining training, TextualInversionSettings settings, double loss, string path, string use, TimeSpan elapsed) => new()
    {
        ["command"] = "learn-concept",
        ["word"] = settings.Word,
        ["embedding"] = path,
        ["steps"] = training.Step,
        ["heldOutLoss"] = new JsonObject { ["initial"] = Rounded(training.InitialHeldOutLoss()), ["learned"] = Rounded(loss) },
        ["settings"] = JsonSerializer.SerializeToNode(settings),
        ["use"] = use,
        ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
    };

    private static double Rounded(double loss) => Math.Round(loss, 6);

    private static string Summary(JsonObject facts, TextualInversionSettings settings)
    {
        var (files, losses) = (facts["files"]!.AsArray(), facts["heldOutLoss"]!);
        return string.Create(CultureInfo.InvariantCulture, $"""
            {string.Join('\n', files.Select(file => RunFolder.Shortest((string)file!)))}
            loss on held-out noise: {losses["initial"]} as {settings.Initial}, {losses["learned"]} as {settings.Word}
            {(double)facts["seconds"]!:F1} s
            {facts["use"]}
            """);
    }
}
