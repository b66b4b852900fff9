using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Storybook.Training;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Lab;

/// <summary><c>p2p-lab train</c>: trains the embedded model from scratch, or resumes its training.</summary>
internal static class TrainCommand
{
    private const int SampleSide = 192;

    public static Command Create(CancellationToken cancellationToken)
    {
        var output = OutputOptions.Folder("training");
        var recipe = Parsed.Choice("--recipe", "Shape and training of the model", TrainingRecipe.Storybook.Name, [.. TrainingRecipe.All.Select(known => known.Name)]);
        var autoencoder = Parsed.OptionalNumber<long>("--autoencoder-pictures", $"Images to train the autoencoder with; by default {Each(known => known.Autoencoder.Images)}");
        var batch = Parsed.OptionalNumber<int>("--autoencoder-batch", $"Images of a step of the autoencoder's training; by default {Each(known => known.Autoencoder.Batch)}");
        var crop = Parsed.OptionalNumber<int>("--autoencoder-crop", "Side of the crops that the autoencoder trains on, in pixels; by default whole images. For a CPU: smaller steps");
        var images = Parsed.OptionalNumber<long>("--pictures", $"Images to train the U-Net and the text encoder with; by default {Each(known => known.Denoiser.Images)}");
        var seed = Parsed.Number("--seed", "Seed of the training", new TrainingPlan("").Seed);
        var from = new Option<string?>("--from")
        {
            Description = "Model directory of an earlier training: keep its tokenizer and autoencoder, and start from its weights",
            HelpName = "dir",
        };
        var command = new Command("train", "Train the embedded model. Run it again to resume from the last checkpoint")
        {
            output, recipe, autoencoder, batch, crop, images, from, seed, TrainJudgeCommand.Create(cancellationToken),
        };
        var options = new TrainingOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            Require(parse.GetValue(autoencoder) is null or > 0, "--autoencoder-pictures must be above 0.");
            Require(parse.GetValue(images) is null or > 0, "--pictures must be above 0.");
            var directory = Path.GetFullPath(parse.GetValue(output)!);
            Require(!File.Exists(directory), $"--output {directory} is a file; give a folder.");
            var chosen = Chosen(TrainingRecipe.Named(parse.GetValue(recipe)!), parse.GetValue(batch), parse.GetValue(crop));
            var target = options.Open(parse, report.Quiet(parse));
            var plan = new TrainingPlan(directory, parse.GetValue(autoencoder), parse.GetValue(images), parse.GetValue(seed), parse.GetValue(from))
            {
                Recipe = chosen,
                Device = target.Device,
                Dtype = target.Dtype,
                DrawingThreads = options.DrawingThreads(parse),
            };
            return Train(plan, report.Json(parse), report.Quiet(parse), cancellationToken);
        });
        return command;
    }

    private static string Each<T>(Func<TrainingRecipe, T> number) => string.Join(", ", TrainingRecipe.All.Select(recipe => $"{number(recipe)} ({recipe.Name})"));

    private static TrainingRecipe Chosen(TrainingRecipe recipe, int? batch, int? crop)
    {
        Require(batch is null or > 0, "--autoencoder-batch must be above 0.");
        var multiple = recipe.Vae.PixelsPerLatent;
        Require(crop is null || (crop > 0 && crop % multiple == 0), $"--autoencoder-crop must be a multiple of {multiple} for the recipe {recipe.Name}.");
        return recipe with { Autoencoder = recipe.Autoencoder with { Batch = batch ?? recipe.Autoencoder.Batch, CropSide = crop } };
    }

    private static int Train(TrainingPlan plan, bool json, bool quiet, CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        var run = new TrainingRun(plan);
        TrainingProgress? last;
        try
        {
            last = LongRun.Show(quiet, display => Follow(run, new RunFolder(plan.Directory), display, cancellationToken));
        }
        catch (OperationCanceledException) when (!quiet)
        {
            Console.Error.WriteLine($"The state is saved in {plan.Directory}. Run the same command again to resume.");
            throw;
        }

        var seconds = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3);
        if (json)
            Console.Out.WriteLine(Json.Line(new JsonObject { ["command"] = "train", ["model"] = run.ModelDirectory, ["loss"] = last?.Loss, ["seconds"] = seconds }));
        else if (!quiet)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{run.ModelDirectory}\n{seconds:F1} s"));
        return ExitCode.Done;
    }

    private static TrainingProgress? Follow(TrainingRun run, RunFolder folder, IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        TrainingProgress? last = null;
        foreach (var progress in run.Run(samples => AddSheet(folder, samples), cancellationToken))
        {
            last = progress;
            var loss = string.Create(CultureInfo.InvariantCulture, $"loss {progress.Loss:G4}");
            var heldOut = progress.HeldOut is { } fidelity ? string.Create(CultureInfo.InvariantCulture, $", held out {fidelity.Psnr:F2} dB, edges {fidelity.Edges:F3}") : "";
            display.Report(new(progress.Stage, progress.Images, progress.Total, "pictures", $"{loss}, {progress.Note}{heldOut}"));
        }

        return last;
    }

    // Leading zeros, so that a directory listing shows the sheets in the order of creation.
    private static void AddSheet(RunFolder folder, TrainingSamples samples)
    {
        var cells = samples.Samples.Select(sample => new SheetCell(sample.Image.ToBitmap(), sample.Caption)).ToList();
        using var sheet = Sheet.Draw(cells, samples.Columns, Math.Max(SampleSide, samples.Samples[0].Image.Width));
        cells.ForEach(cell => cell.Image.Dispose());
        AddCurve(folder);
        folder.Add($"{samples.Stage}-{samples.Images:D8}.png", sheet);
    }

    private static void AddCurve(RunFolder folder)
    {
        var log = folder.PathOf(TrainingRun.HeldOutFile);
        if (!File.Exists(log))
            return;
        using var plot = FidelityPlot.Draw(HeldOutLog.Read(log));
        folder.Add("held-out.png", plot);
    }
}
