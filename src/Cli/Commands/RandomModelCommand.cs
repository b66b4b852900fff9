using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models random</c>: writes a model of a published shape with random weights, for measurements.</summary>
internal static class RandomModelCommand
{
    private static readonly (string Name, ModelConfig Shape)[] Shapes =
        [("sd15", ModelConfig.StableDiffusion15), ("sd21", ModelConfig.StableDiffusion21), ("sdxl", ModelConfig.StableDiffusionXl)];

    public static Command Create(CancellationToken cancellationToken)
    {
        var manifest = Parsed.Choice("--manifest", "Model whose names and shapes to use", Shapes[0].Name, [.. Shapes.Select(shape => shape.Name)]);
        var dtype = Parsed.Choice("--dtype", "Data type of the weights", StoredTypes.Names[0], [.. StoredTypes.Names]);
        var output = OutputOptions.Folder("random-model");
        var seed = Parsed.Seed("--seed", "Seed of the weights", 0);
        var tokenizer = new Option<string?>("--tokenizer")
        {
            Description = "Tokenizer directory to copy; by default a tokenizer of the embedded model's words",
            HelpName = "dir",
        };
        var command = new Command("random", "Write a full-size model with random weights (2 to 14 GB) to measure time and memory with")
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
                directory, shape, StoredTypes.Parse(parse.GetValue(dtype)!), parse.GetValue(seed), cancellationToken);
            var seconds = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(new JsonObject { ["command"] = "models random", ["model"] = directory, ["seconds"] = seconds }));
            else if (!report.Quiet(parse))
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{directory}\n{seconds:F1} s"));
            return ExitCode.Done;
        });
        return command;
    }

    private static void WriteTokenizer(string? given, string directory, ModelConfig shape)
    {
        var size = shape.TextEncoder.VocabularySize;
        if (given is null)
        {
            // Each word of the embedded model becomes one token; other words are split.
            using var words = typeof(RandomModelCommand).Assembly.GetManifestResourceStream(ModelWords.FileName)!;
            BpeTrainer.Train(ModelWords.Read(words, ModelWords.FileName).Words, merges: size).PadTo(size).Save(directory, shape.TextEncoder.MaxLength);
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
