using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p invert</c>: inverts a real picture and saves the inversion for edits.</summary>
internal static class InvertCommand
{
    public static Command Create(CancellationToken cancellationToken, Repetition? repeats)
    {
        var imageFile = new Argument<string>("image") { Description = "Image of any size" };
        var prompt = new Argument<string>("prompt") { Description = "Prompt that describes it" };
        var output = new Option<string>("--output", "-o")
        {
            Description = "File for the inversion; a sheet of images, a loss plot and the run record are written next to it",
            Group = HelpGroup.Output,
            HelpName = "file",
            DefaultValueFactory = _ => "inversion.safetensors",
        };
        var command = new Command("invert", "Invert an image so that it can be edited") { imageFile, prompt, output }.In(HelpGroup.Images);
        var files = new OutputOptions().AddTraceTo(command);
        var options = InversionOptions.OfInversion().AddTo(command);
        var model = new ModelOptions().AddTo(command);
        var sampling = new SamplingOptions();
        sampling.AddInversionTo(command);
        var alone = new Option<bool>("--no-comparison") { Description = "Skip the plain-DDIM baseline reconstruction", Group = HelpGroup.Inversion };
        command.Add(alone);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var started = TimeProvider.System.GetTimestamp();
            var image = Image.Load(parse.GetValue(imageFile)!);
            var settings = options.Settings(parse, parse.GetValue(prompt)!, sampling.Settings(parse));
            settings.Validate();
            IReadOnlyList<RunInput> inputs = [new(imageFile, parse.GetValue(imageFile)!), .. model.Inputs(parse)];
            var path = Target(parse.GetValue(output)!, parse.GetValue(imageFile)!);
            var overwrites = files.Overwrites(parse);
            var trace = (files.Trace(parse) ?? (repeats?.Trace is { } name ? Path.Combine(Path.GetDirectoryName(path)!, name) : null)) is { } given ? new TraceFile(given, overwrites) : null;
            trace?.Check(inputs.Select(input => input.Path).Append(path));
            using var loaded = model.Load(parse, new MemoryDemand(Rows: 1, sampling.Size(parse), settings.Method.HasGradient ? 1 : 0, Given: image.Size));
            settings = settings with { Sampling = settings.Sampling with { Chunks = sampling.Chunks(parse, loaded.Tokenizer, settings.Prompt) } };
            repeats?.Require(loaded);
            var described = PromptReading.Read(loaded.Tokenizer, settings.Prompt, settings.Sampling.Chunks);
            Warnings.Truncated(described);
            var framing = options.Framing(parse, loaded, image, sampling.Size(parse));
            var quiet = report.Quiet(parse);
            if (!quiet)
                Warnings.Empty(settings.Prompt);
            var record = RunRecord.Begin(parse, loaded, repeats?.ModelName ?? model.Name(parse), inputs, Path.GetFileName(trace?.Path));
            var run = (string)record[RunRecord.Run]!;
            trace?.RequireTrace();
            if (!overwrites)
                RequireFree(path, parse.GetValue(output)!, run, earlier => earlier.IsOf(loaded, settings, image, framing), loaded);
            if (!quiet && options.NoteOn(parse, framing) is { } note)
                Console.Error.WriteLine(note);
            using var file = Invert(loaded, settings, image, framing, path, quiet, cancellationToken);
            model.Announce(parse, loaded.Device, quiet);
            if (!quiet)
            {
                Warnings.Notation(settings.Prompt);
                Warnings.Unknown(loaded.Directory, loaded.Tokenizer, described);
                Warnings.Note(options.Unused(parse, settings.Method));
            }

            file.Save(path, loaded);
            File.Delete(Unfinished(path));
            if (trace is not null)
                file.Inverted.SaveTrace(trace.Path, loaded, TraceFile.Metadata(run));
            var elapsed = TimeProvider.System.GetElapsedTime(started);
            var reconstruction = StepDisplay.Run(quiet, progress => Reconstruction.Of(loaded, file, compare: !parse.GetValue(alone), progress, cancellationToken));
            record["options"] = RunRecord.Options(parse);
            AddFacts(record, file, reconstruction, path);
            record["seconds"] = Math.Round(elapsed.TotalSeconds, 3);
            record[RunRecord.Files] = Json.Array([path, .. AddImages(path, file, reconstruction, record), .. trace is null ? Array.Empty<string>() : [trace.Path], Record(path)]);
            repeats?.Compare(record, quiet);
            AtomicFile.WriteText(Record(path), Json.File(record));
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(record));
            else if (!quiet)
                Console.Out.WriteLine(Summary(record));
            return ExitCode.Done;
        });
        return command;
    }

    private static readonly string[] ImageNames = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"];

    private static string Unfinished(string path) => path + ".unfinished";

    // Check the output path before the run.
    private static string Target(string output, string image)
    {
        var path = Path.GetFullPath(output);
        if (Directory.Exists(path))
            throw new InvalidInputException("--output", $"{output} is a folder.", "Give the name of a file.");
        if (ImageNames.Contains(Path.GetExtension(path).ToLowerInvariant()))
            throw new InvalidInputException("--output", $"{output} has the name of a picture; an inversion is a .safetensors file.", $"Use {Path.ChangeExtension(output, ".safetensors")}.");
        if (Written(path).Append(path).Contains(Path.GetFullPath(image)))
            throw new InvalidInputException("--output", $"{image} would be overwritten.", "Use another name.");
        AtomicFile.RequireNoDevice(path);
        RunFolder.RequireWritable(Path.GetDirectoryName(path)!, output, files: [.. Written(path).Append(Unfinished(path)).Select(file => Path.GetFileName(file))]);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    // The sheet of pictures, the loss plot and the record.
    private static string[] Written(string path) => [Path.ChangeExtension(path, null) + ".inversion.png", Path.ChangeExtension(path, null) + ".loss.png", Record(path)];

    private static string Record(string path) => Path.ChangeExtension(path, null) + ".run.json";

    // Inversions are slow, so a different one is only replaced with --overwrite. The same inversion replaces its own files, also if its main file is gone.
    private static void RequireFree(string path, string asked, string run, Func<InversionFile, bool> isSame, StableDiffusionModel model)
    {
        if (File.Exists(path) ? new FileInfo(path).Length == 0 || IsSame() : !Written(path).Any(File.Exists) || IsRecordOf(Record(path), run))
            return;
        throw new InvalidInputException("--output", $"{asked} already contains a different inversion.", "Use another name, or --overwrite to replace it.");

        bool IsSame()
        {
            try
            {
                using var earlier = InversionFile.Load(path, model);
                return isSame(earlier);
            }
            catch (InvalidInputException)
            {
                // An inversion of another model, or some other file.
                return false;
            }
        }
    }

    private static bool IsRecordOf(string path, string run)
    {
        try
        {
            return ImageNotes.Read(path).Record?[RunRecord.Run] is JsonValue name && name.TryGetValue<string>(out var text) && text == run;
        }
        catch (InvalidInputException)
        {
            return false;
        }
    }

    private static InversionFile Invert(
        StableDiffusionModel model, InversionSettings settings, Image image, Framing framing, string path, bool quiet, CancellationToken cancellationToken)
    {
        using var _ = no_grad();
        using var latents = model.Vae.EncodeImage(framing.Apply(image), model.Device);
        using var earlier = Earlier(model, settings, image, framing, path);
        if (earlier is not null && !quiet)
            Console.Error.WriteLine($"Resuming after {earlier.Inverted.FinishedSteps} of {settings.Sampling.Steps} timesteps from {Unfinished(path)}.");
        var saver = new UnfinishedSaver(cancellationToken);
        try
        {
            var inverted = StepDisplay.Run(quiet, progress => InversionMethod.Invert(model, latents, settings, progress, Keep, earlier?.Inverted, cancellationToken));
            return new InversionFile(inverted, image, framing);
        }
        catch (OperationCanceledException) when (!quiet)
        {
            Console.Error.WriteLine(saver.HasSaved || earlier is not null
                ? $"Progress is saved in {Unfinished(path)}. Run the same command again to resume."
                : "Nothing to save yet (only null-text's optimized steps are saved). The same command starts over.");
            throw;
        }

        void Keep(Func<InvertedImage> unfinished) => saver.Save(() =>
        {
            using var file = new InversionFile(unfinished(), image, framing);
            file.Save(Unfinished(path), model);
        });
    }

    private static InversionFile? Earlier(StableDiffusionModel model, InversionSettings settings, Image image, Framing framing, string path)
    {
        if (!File.Exists(Unfinished(path)))
            return null;
        try
        {
            var found = InversionFile.Load(Unfinished(path), model);
            if (found.IsOf(model, settings, image, framing))
                return found;
            found.Dispose();
        }
        catch (InvalidInputException)
        {
            // It belongs to another model or is damaged: ignore it.
        }

        Console.Error.WriteLine($"warning: {Unfinished(path)} belongs to a different inversion, so this one starts from the beginning.");
        return null;
    }

    private static void AddFacts(JsonObject record, InversionFile file, Reconstruction reconstruction, string path)
    {
        record["inversion"] = path;
        record[RunRecord.Output] = Path.GetFileName(path);
        record["source"] = file.Inverted.Settings.Prompt;
        record["settings"] = JsonSerializer.SerializeToNode(file.Inverted.Settings);
        record["psnr"] = Json.Decibels(reconstruction.Psnr);
        record["psnrOfDdim"] = Json.Decibels(reconstruction.UntunedPsnr);
        record["psnrOfAutoencoder"] = Json.Decibels(reconstruction.Ceiling);
        record["iterations"] = Json.Array(file.Inverted.Losses.Select(l => l.Count));
        record[RunRecord.Results] = new JsonObject { [Path.GetFileName(path)] = RunRecord.HashOf(path) };
    }

    private static IReadOnlyList<string> AddImages(string path, InversionFile file, Reconstruction reconstruction, JsonObject record)
    {
        var files = Written(path);
        SheetCell[] cells =
        [
            new(reconstruction.Framed.ToBitmap(), "picture"),
            new(reconstruction.RoundTrip.ToBitmap(), Caption("autoencoder (upper bound)", reconstruction.Ceiling)),
            .. reconstruction.Untuned is { } untuned
                ? [new(untuned.ToBitmap(), Caption("DDIM with guidance", reconstruction.UntunedPsnr!.Value))] : Array.Empty<SheetCell>(),
            new(reconstruction.Replayed.ToBitmap(), Caption(file.Inverted.Settings.Method.Name, reconstruction.Psnr), StandsOut: true),
        ];
        using (var sheet = Sheet.Draw(cells, cells.Length, Sheet.CellSide(reconstruction.Framed)))
            Image.SavePng(sheet, files[0], RunRecord.Text(record, Path.GetFileName(files[0])));
        foreach (var cell in cells)
            cell.Image.Dispose();
        File.Delete(files[1]);
        if (file.Inverted.Losses.Count == 0)
            return [files[0]];
        using var plot = LossPlot.Draw(file.Inverted.Losses);
        Image.SavePng(plot, files[1], RunRecord.Text(record, Path.GetFileName(files[1])));
        return files[..2];

        static string Caption(string what, double psnr) => string.Create(CultureInfo.InvariantCulture, $"{what}: {psnr:F2} dB");
    }

    private static string Summary(JsonObject facts) => string.Create(CultureInfo.InvariantCulture, $"""
        {string.Join('\n', facts["files"]!.AsArray().Select(file => Path.GetRelativePath(Directory.GetCurrentDirectory(), (string)file!)))}
        reconstruction {facts["psnr"]} dB; {(facts["psnrOfDdim"] is { } ddim ? $"DDIM with guidance {ddim} dB; " : "")}autoencoder alone {facts["psnrOfAutoencoder"]} dB
        {(double)facts["seconds"]!:F1} s
        """);
}
