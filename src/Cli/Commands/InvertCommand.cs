using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Imaging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Evaluation.Inversions;
using static TorchSharp.torch;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p invert</c>: finds the noise that a real picture could have come from, and keeps it in a file for edits.</summary>
internal static class InvertCommand
{
    public static Command Create(CancellationToken cancel)
    {
        var image = new Argument<string>("image") { Description = "The picture, of any size" };
        var prompt = new Argument<string>("prompt") { Description = "What it shows" };
        var output = new Option<string>("--output", "-o")
        {
            Description = "The inversion's file; a sheet of pictures and a plot of the losses go beside it",
            HelpName = "file",
            DefaultValueFactory = _ => "inversion.safetensors",
        };
        var command = new Command("invert", "Find the noise that a picture could have come from, for editing it") { image, prompt, output };
        var options = new InversionOptions().AddTo(command);
        var model = new ModelOptions().AddTo(command);
        var sampling = new SamplingOptions();
        sampling.AddInversionTo(command);
        var alone = new Option<bool>("--no-comparison") { Description = "Do not also denoise without any method against the drift, two rows a step, to compare with" };
        command.Add(alone);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var started = TimeProvider.System.GetTimestamp();
            var picture = Picture.Load(parse.GetValue(image)!);
            var settings = options.Settings(parse, sampling.Inversion(parse, parse.GetValue(prompt)!));
            settings.Validate();
            var path = Target(parse.GetValue(output)!, parse.GetValue(image)!);
            using var loaded = model.Load(parse, new MemoryDemand(Rows: 1, sampling.GivenSize(parse), settings.HasGradient ? 1 : 0, Given: picture.Size));
            settings = settings with { Windows = sampling.Windows(parse, loaded.Tokenizer, settings.Prompt) };
            var described = PromptReading.Read(loaded.Tokenizer, settings.Prompt, settings.Windows);
            Warnings.Truncated(described);
            var framing = options.Framing(parse, loaded, picture, sampling.Size(parse));
            var quiet = report.Quiet(parse);
            using var file = Invert(loaded, settings, picture, framing, path, quiet, cancel);
            model.Announce(parse, loaded.Device, quiet);
            if (!quiet)
                Warnings.Unknown(loaded.Tokenizer, described);
            file.Save(path, loaded);
            File.Delete(Unfinished(path));
            var elapsed = TimeProvider.System.GetElapsedTime(started);
            var reconstruction = StepDisplay.Run(quiet, progress => Reconstruction.Of(loaded, file, compare: !parse.GetValue(alone), progress, cancel));
            var facts = Facts(file, reconstruction, path, elapsed);
            facts["files"] = Json.Array([path, .. AddPictures(path, file, reconstruction)]);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(facts));
            else if (!quiet)
                Console.Out.WriteLine(Summary(facts));
            return ExitCode.Done;
        });
        return command;
    }

    private static readonly string[] PictureNames = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"];

    private static string Unfinished(string path) => path + ".unfinished";

    // Where it goes is checked before the work.
    private static string Target(string output, string image)
    {
        var path = Path.GetFullPath(output);
        if (Directory.Exists(path))
            throw new InvalidInputException($"--output {output} is a folder; give the name of a file.");
        if (PictureNames.Contains(Path.GetExtension(path).ToLowerInvariant()))
            throw new InvalidInputException($"--output {output} has a picture's name; an inversion is no picture, call it {Path.ChangeExtension(output, ".safetensors")}.");
        if (Written(path).Append(path).Contains(Path.GetFullPath(image)))
            throw new InvalidInputException($"--output {output}: {image} would be overwritten; give another name.");
        RunFolder.RequireWritable(Path.GetDirectoryName(path)!, output);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    // The sheet of pictures and the plot of the losses.
    private static string[] Written(string path) => [Path.ChangeExtension(path, null) + ".inversion.png", Path.ChangeExtension(path, null) + ".loss.png"];

    private static InversionFile Invert(
        StableDiffusionModel model, InversionSettings settings, Picture picture, Framing framing, string path, bool quiet, CancellationToken cancel)
    {
        using var _ = no_grad();
        using var latents = framing.Apply(picture).Encode(model.Vae, model.Device);
        using var earlier = Earlier(model, settings, picture, framing, path);
        if (earlier is not null && !quiet)
            Console.Error.WriteLine($"Going on after {earlier.Inverted.FinishedSteps} of {settings.Steps} timesteps, found in {Unfinished(path)}.");
        var saver = new UnfinishedSaver(cancel);
        try
        {
            var inverted = StepDisplay.Run(quiet, progress => InversionMethod.Invert(model, latents, settings, progress, Keep, earlier?.Inverted, cancel));
            return new InversionFile(inverted, picture, framing);
        }
        catch (OperationCanceledException) when (!quiet)
        {
            Console.Error.WriteLine(saver.HasSaved || earlier is not null
                ? $"What was found is in {Unfinished(path)}; the same command goes on from it."
                : "Nothing was found yet that is worth keeping (only null-text's optimised steps are); the same command begins anew.");
            throw;
        }

        void Keep(Func<InvertedPicture> unfinished) => saver.Save(() =>
        {
            using var file = new InversionFile(unfinished(), picture, framing);
            file.Save(Unfinished(path), model);
        });
    }

    private static InversionFile? Earlier(StableDiffusionModel model, InversionSettings settings, Picture picture, Framing framing, string path)
    {
        if (!File.Exists(Unfinished(path)))
            return null;
        try
        {
            var found = InversionFile.Load(Unfinished(path), model);
            if (found.IsOf(model, settings, picture, framing))
                return found;
            found.Dispose();
        }
        catch (InvalidInputException)
        {
            // Of another model or damaged: as good as none.
        }

        Console.Error.WriteLine($"warning: {Unfinished(path)} belongs to another inversion; this one starts anew.");
        return null;
    }

    private static JsonObject Facts(InversionFile file, Reconstruction reconstruction, string path, TimeSpan elapsed) => new()
    {
        ["command"] = "invert",
        ["inversion"] = path,
        ["settings"] = JsonSerializer.SerializeToNode(file.Inverted.Settings),
        ["psnr"] = Json.Decibels(reconstruction.Psnr),
        ["psnrOfDdim"] = Json.Decibels(reconstruction.UntunedPsnr),
        ["psnrOfAutoencoder"] = Json.Decibels(reconstruction.Ceiling),
        ["iterations"] = Json.Array(file.Inverted.Losses.Select(l => l.Count)),
        ["seconds"] = Math.Round(elapsed.TotalSeconds, 3),
    };

    private static IReadOnlyList<string> AddPictures(string path, InversionFile file, Reconstruction reconstruction)
    {
        var files = Written(path);
        SheetCell[] cells =
        [
            new(reconstruction.Framed.ToBitmap(), "picture"),
            new(reconstruction.RoundTrip.ToBitmap(), Caption("autoencoder, the ceiling", reconstruction.Ceiling)),
            .. reconstruction.Untuned is { } untuned
                ? [new(untuned.ToBitmap(), Caption("DDIM with guidance", reconstruction.UntunedPsnr!.Value))] : Array.Empty<SheetCell>(),
            new(reconstruction.Replayed.ToBitmap(), Caption(file.Inverted.Settings.Method, reconstruction.Psnr), StandsOut: true),
        ];
        using (var sheet = Sheet.Draw(cells, cells.Length, Sheet.CellSide(reconstruction.Framed)))
            Picture.SavePng(sheet, files[0]);
        foreach (var cell in cells)
            cell.Picture.Dispose();
        File.Delete(files[1]);
        if (file.Inverted.Losses.Count == 0)
            return [files[0]];
        using var plot = LossPlot.Draw(file.Inverted.Losses);
        Picture.SavePng(plot, files[1]);
        return files;

        static string Caption(string what, double psnr) => string.Create(CultureInfo.InvariantCulture, $"{what}: {psnr:F2} dB");
    }

    private static string Summary(JsonObject facts) => string.Create(CultureInfo.InvariantCulture, $"""
        {string.Join('\n', facts["files"]!.AsArray().Select(file => Path.GetRelativePath(Directory.GetCurrentDirectory(), (string)file!)))}
        reconstruction {facts["psnr"]} dB; {(facts["psnrOfDdim"] is { } ddim ? $"DDIM with guidance {ddim} dB; " : "")}autoencoder alone {facts["psnrOfAutoencoder"]} dB
        {(double)facts["seconds"]!:F1} s
        """);
}
