using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Evaluation.Judging;

namespace PromptToPrompt.Lab;

/// <summary><c>p2p-lab train judge</c>: trains the classifier that <c>p2p-lab bench</c> judges images with.</summary>
internal static class TrainJudgeCommand
{
    private const long StandardImages = 160_000;
    private const string Unfinished = "judge.unfinished.safetensors";
    private static readonly int[] Sizes = [64, 128];

    public static Command Create(CancellationToken cancellationToken)
    {
        var output = OutputOptions.Folder("training/judge");
        var images = Parsed.Number("--pictures", "Drawings to train with", StandardImages);
        var command = new Command("judge", "Train the classifier that \"p2p-lab bench\" judges images with (models/judge). Run it again to resume") { output, images };
        var options = new TrainingOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var total = parse.GetValue(images);
            InvalidInputException.Require(total >= JudgeTraining.Batch, $"--pictures is {total}; give at least {JudgeTraining.Batch}, which one step of the training takes.");
            var folder = new RunFolder(parse.GetValue(output)!);
            using var training = new JudgeTraining(options.Open(parse, report.Quiet(parse)), options.DrawingThreads(parse));
            var loss = LongRun.Show(report.Quiet(parse), display => Follow(training, folder.PathOf(Unfinished), total, display, cancellationToken));
            folder.Add(ImageJudge.FileName, training.Save);
            File.Delete(folder.PathOf(Unfinished));
            using var judge = ImageJudge.Load(folder.PathOf(ImageJudge.FileName));
            var sizes = Sizes.Select(size => (size, JudgeTraining.Validate(judge, size))).ToList();
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(ToJson(folder.Files[0], total, loss, sizes)));
            else if (!report.Quiet(parse))
                Print(folder.Files[0], sizes);
            return ExitCode.Done;
        });
        return command;
    }

    private static double? Follow(JudgeTraining training, string state, long total, IProgress<LongProgress> display, CancellationToken cancellationToken)
    {
        if (File.Exists(state))
            training.Resume(state);
        double? last = null;
        foreach (var progress in training.Train(total, cancellationToken))
        {
            last = progress.Loss;
            display.Report(new("judge", progress.Images, progress.Total, "pictures", string.Create(CultureInfo.InvariantCulture, $"loss {progress.Loss:G3}")));
        }

        training.SaveState(state);
        cancellationToken.ThrowIfCancellationRequested();
        return last;
    }

    private static JsonObject ToJson(string file, long images, double? loss, IEnumerable<(int Size, IReadOnlyList<JudgeAccuracy> Accuracies)> sizes) => new()
    {
        ["command"] = "train judge",
        ["file"] = file,
        ["pictures"] = images,
        ["loss"] = loss,
        ["heldOut"] = new JsonArray([.. sizes.Select(size => new JsonObject
        {
            ["size"] = size.Size,
            ["accuracy"] = new JsonObject(size.Accuracies.Select(a => KeyValuePair.Create(a.Slot.ToString().ToLowerInvariant(), (JsonNode?)Math.Round(a.Accuracy, 4)))),
        })]),
    };

    private static void Print(string file, IEnumerable<(int Size, IReadOnlyList<JudgeAccuracy> Accuracies)> sizes)
    {
        Console.Out.WriteLine(file);
        foreach (var (size, accuracies) in sizes)
        {
            var right = accuracies.Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Slot.ToString().ToLowerInvariant()} {a.Accuracy:F3}"));
            Console.Out.WriteLine($"right on held-out drawings of {size}x{size}: {string.Join(", ", right)}");
        }
    }
}
