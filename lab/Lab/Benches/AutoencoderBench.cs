using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Storybook.Training;
using SkiaSharp;
using Spectre.Console;
using TorchSharp;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Lab.Benches;

/// <summary><c>p2p-lab bench autoencoder</c>: compares the autoencoders of models of the drawn world on held-out drawings.</summary>
internal static class AutoencoderBench
{
    private const int SampleRows = 4;
    private const int SampleSide = 256;

    // No training uses this seed or these numbers.
    private const int Seed = 81_001;
    private const long First = 1L << 43;

    public static Command Create(CancellationToken cancellationToken)
    {
        var models = new Option<string[]>("--model")
        {
            Description = "Model directory, or the name of a folder in models/. Repeatable, to compare models",
            HelpName = "dir|name",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => ["storybook"],
        };
        var count = Parsed.Number("--count", "Drawings to measure", 64);
        var side = Parsed.OptionalNumber<int>("--side", "Side of the drawings in pixels; by default that of each model's images");
        var output = OutputOptions.Folder("bench-autoencoder");
        var command = new Command("autoencoder", "Measure how sharp autoencoders reconstruct drawings") { models, count, side, output };
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            Require(parse.GetValue(count) > 0, "--count must be above 0.");
            var folder = new RunFolder(parse.GetValue(output)!);
            LibTorch.EnsureLoaded();
            var names = parse.GetValue(models)!;
            var measured = names.Select(name => Measure(name, ModelOptions.Locate(name, models.Name), parse.GetValue(count), parse.GetValue(side), cancellationToken)).ToList();
            using (var sheet = Draw(measured))
                folder.Add("reconstructions.png", sheet);
            var record = new JsonObject { ["command"] = "bench autoencoder", ["drawings"] = parse.GetValue(count), ["models"] = new JsonArray([.. measured.Select(one => one.ToJson())]) };
            folder.Add("autoencoder.json", Json.File(record));
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(record));
            else if (!report.Quiet(parse))
                Print(measured);
            return ExitCode.Done;
        });
        return command;
    }

    private static Measured Measure(string name, string directory, int count, int? wantedSide, CancellationToken cancellationToken)
    {
        using var _ = torch.no_grad();
        using var model = StableDiffusionModel.Load(directory);
        var (multiple, side) = (model.Shape.Vae.PixelsPerLatent, wantedSide ?? model.ImageSide);
        Require(side > 0 && side % multiple == 0, $"--side {side} is not a multiple of {multiple}, which {name} needs.");
        using var images = new Images(Seed, side);
        var fidelities = new List<ReconstructionFidelity>();
        var samples = new List<(Image Drawing, Image Decoded)>();
        for (var number = First; number < First + count; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = torch.NewDisposeScope();
            var painting = images.Paint(images.Scene(number));
            var pixels = Images.Pixels([painting]);
            fidelities.Add(ReconstructionFidelity.Of(model.Vae, pixels));
            if (samples.Count < SampleRows)
                samples.Add((new Image(side, side, painting.Rgb), model.Vae.DecodeImages(model.Vae.Encode(pixels))[0]));
        }

        return new(Path.GetFileName(Path.TrimEndingDirectorySeparator(name)), side, new(fidelities.Average(f => f.Psnr), fidelities.Average(f => f.Gradients), fidelities.Average(f => f.Edges)), samples);
    }

    private static SKBitmap Draw(List<Measured> measured)
    {
        var finest = measured.MaxBy(one => one.Side)!;
        var cells = Enumerable.Range(0, finest.Samples.Count).SelectMany(i => new[] { new SheetCell(finest.Samples[i].Drawing.ToBitmap(), "drawing") }
            .Concat(measured.Select(one => new SheetCell(one.Samples[i].Decoded.ToBitmap(), $"{one.Name}, {one.Side}×{one.Side}")))).ToList();
        var sheet = Sheet.Draw(cells, measured.Count + 1, SampleSide);
        cells.ForEach(cell => cell.Image.Dispose());
        return sheet;
    }

    private static void Print(List<Measured> measured)
    {
        var table = new Table().AddColumns("autoencoder", "drawings", "PSNR", "gradients", "edges");
        foreach (var (name, side, fidelity, _) in measured)
            table.AddRow(Markup.Escape(name), $"{side}×{side}", Figures.Shown(fidelity.Psnr, "F2") + " dB", Figures.Shown(fidelity.Gradients, "F3"), Figures.Shown(fidelity.Edges, "F3"));
        AnsiConsole.Write(table);
    }

    private sealed record Measured(string Name, int Side, ReconstructionFidelity Fidelity, IReadOnlyList<(Image Drawing, Image Decoded)> Samples)
    {
        public JsonObject ToJson() => new()
        {
            ["model"] = Name,
            ["side"] = Side,
            ["psnr"] = Math.Round(Fidelity.Psnr, 3),
            ["gradients"] = Math.Round(Fidelity.Gradients, 4),
            ["edges"] = Math.Round(Fidelity.Edges, 4),
        };
    }
}
