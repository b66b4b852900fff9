using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Native.Numerics;
using PromptToPrompt.Storybook.Training;
using TorchSharp;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Lab;

/// <summary><c>p2p-lab train</c>: trains the embedded model from scratch, or resumes its training.</summary>
internal static class TrainCommand
{
    private const int SampleSide = 192;

    public static Command Create(CancellationToken cancellationToken)
    {
        var standard = new TrainingPlan("");
        var output = OutputOptions.Folder("training");
        var autoencoder = Parsed.Number("--autoencoder-pictures", "Images to train the autoencoder with", standard.AutoencoderImages);
        var images = Parsed.Number("--pictures", "Images to train the U-Net and the text encoder with", standard.DenoiserImages);
        var seed = Parsed.Number("--seed", "Seed of the training", standard.Seed);
        var from = new Option<string?>("--from")
        {
            Description = "Model directory of an earlier training: keep its tokenizer and autoencoder, and start from its weights",
            HelpName = "dir",
        };
        var threads = Parsed.OptionalNumber<int>("--threads", "Threads; by default the number of cores");
        var command = new Command("train", "Train the embedded model. Run it again to resume from the last checkpoint")
        {
            output, autoencoder, images, from, seed, threads, TrainJudgeCommand.Create(cancellationToken),
        };
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var plan = new TrainingPlan(Path.GetFullPath(parse.GetValue(output)!), parse.GetValue(autoencoder), parse.GetValue(images), parse.GetValue(seed), parse.GetValue(from));
            Require(plan.AutoencoderImages > 0, "--autoencoder-pictures must be above 0.");
            Require(plan.DenoiserImages > 0, "--pictures must be above 0.");
            Require(parse.GetValue(threads) is null or > 0, "--threads must be above 0.");
            Require(!File.Exists(plan.Directory), $"--output {plan.Directory} is a file; give a folder.");
            LibTorch.EnsureLoaded();
            if (parse.GetValue(threads) is { } count)
                torch.set_num_threads(count);
            Warnings.Numerics(MachineNumerics.Require(torch.CPU));
            return Train(plan, report.Json(parse), report.Quiet(parse), cancellationToken);
        });
        return command;
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
            display.Report(new(progress.Stage, progress.Images, progress.Total, "pictures", $"{loss}, {progress.Note}"));
        }

        return last;
    }

    // Leading zeros, so that a directory listing shows the sheets in the order of creation.
    private static void AddSheet(RunFolder folder, TrainingSamples samples)
    {
        var cells = samples.Samples.Select(sample => new SheetCell(sample.Image.ToBitmap(), sample.Caption)).ToList();
        using var sheet = Sheet.Draw(cells, samples.Columns, SampleSide);
        cells.ForEach(cell => cell.Image.Dispose());
        folder.Add($"{samples.Stage}-{samples.Images:D8}.png", sheet);
    }
}
