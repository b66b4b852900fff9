using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Checkpoints;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models random</c>: a model of a published shape without its weights, to measure and to try things with.</summary>
internal static class RandomModelCommand
{
    private static readonly (string Name, ModelShape Shape)[] Shapes =
        [("sd15", ModelShape.StableDiffusion15), ("sd21", ModelShape.StableDiffusion21), ("sdxl", ModelShape.StableDiffusionXl)];

    public static Command Create(CancellationToken cancel)
    {
        var manifest = Parsed.Choice("--manifest", "Which model's names and shapes", Shapes[0].Name, [.. Shapes.Select(shape => shape.Name)]);
        var dtype = Parsed.Choice("--dtype", "Type of the stored weights", StoredTypes.Names[0], [.. StoredTypes.Names]);
        var output = OutputOptions.Folder("random-model");
        var seed = Parsed.Seed("--seed", "Seed of the weights", 0);
        var tokenizer = new Option<string?>("--tokenizer")
        {
            Description = "Tokenizer directory to copy; without it, one of the drawn world's words",
            HelpName = "dir",
        };
        var command = new Command("random", "Make a full-size model with random weights (2 to 14 GB, by --manifest and --dtype): its pictures are noise, its time and memory are real")
        {
            manifest, dtype, output, seed, tokenizer,
        };
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var clock = TimeProvider.System;
            var started = clock.GetTimestamp();
            var directory = Path.GetFullPath(parse.GetValue(output)!);
            var shape = Array.Find(Shapes, known => known.Name == parse.GetValue(manifest)).Shape;
            if (File.Exists(Path.Combine(directory, "model_index.json")))
                throw new InvalidInputException("--output", $"{directory} already contains a model.", "Use another folder, or delete that one first.");
            RunFolder.RequireWritable(directory, parse.GetValue(output)!);
            LibTorch.EnsureLoaded();
            WriteTokenizer(parse.GetValue(tokenizer), Path.Combine(directory, "tokenizer"), shape);
            RandomModel.Write(
                directory, shape, StoredTypes.Parse(parse.GetValue(dtype)!), parse.GetValue(seed), cancel);
            var seconds = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(new JsonObject { ["command"] = "models random", ["model"] = directory, ["seconds"] = seconds }));
            else if (!report.Quiet(parse))
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{directory}\n{seconds:F1} s"));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteTokenizer(string? given, string directory, ModelShape shape)
    {
        var size = shape.TextEncoder.VocabularySize;
        if (given is null)
        {
            // Each word of the drawn world becomes one token; any other is spelled in pieces.
            BpeTrainer.Train(Vocabulary.Words, merges: size).PadTo(size).Save(directory, shape.TextEncoder.MaxLength);
            return;
        }

        var tokens = ClipTokenizer.Load(given).VocabularySize;
        if (tokens > size)
            throw new InvalidInputException("--tokenizer", $"{given} has {tokens} tokens, and the model only {size}.", "Use CLIP's or a smaller one.");
        Directory.CreateDirectory(directory);
        foreach (var file in Directory.EnumerateFiles(given))
            File.Copy(file, Path.Combine(directory, Path.GetFileName(file)), overwrite: true);
    }
}
