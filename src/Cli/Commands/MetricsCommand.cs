using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Metrics;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p metrics</c>: how two images differ, as the field measures it.</summary>
internal static class MetricsCommand
{
    private const int MaxCaptions = 2;

    public static Command Create()
    {
        var first = new Argument<string>("first") { Description = "Image, for example the source of an edit" };
        var second = new Argument<string>("second") { Description = "Image of the same size, for example the edit" };
        var mask = File("--mask", "Mask image: white where the image was edited. The pixels outside are also compared alone", "file");
        var captions = new Option<string[]>("--caption") { Description = "Caption of the first image; given again, of the second", HelpName = "text" };
        var lpips = MetricModels.CreateLpips();
        var command = new Command("metrics", "Measure how two images differ: PSNR, SSIM, LPIPS, structure, CLIP") { first, second, mask, captions, lpips }.In(HelpGroup.Images);
        var models = new MetricModels().AddTo(command);
        var report = new ReportOptions().AddJsonTo(command);
        command.SetAction(parse =>
        {
            var (one, other) = (Image.Load(parse.GetValue(first)!), Image.Load(parse.GetValue(second)!));
            if (one.Size != other.Size)
                throw new InvalidInputException($"The images have {one.Size} and {other.Size} pixels. Give two of the same size.");
            if (Math.Min(one.Width, one.Height) < PixelMetrics.MinSide)
                throw new InvalidInputException($"The images have {one.Size} pixels; structural similarity needs at least {PixelMetrics.MinSide} in each direction.");
            InvalidInputException.Require(
                parse.GetValue(lpips) is null || Math.Min(one.Width, one.Height) >= Lpips.MinSide,
                "--lpips", $"The images have {one.Size} pixels; LPIPS needs at least {Lpips.MinSide} in each direction.", "Give larger images, or leave it out.");
            var texts = parse.GetValue(captions) ?? [];
            InvalidInputException.Require(texts.Length <= MaxCaptions, "--caption", $"{texts.Length} captions are given.", "Give one for each image.");
            InvalidInputException.Require(texts.Length == 0 || models.Clip(parse) is not null, "--caption", "Captions are compared by a CLIP model.", "Add --clip.");
            var edited = parse.GetValue(mask) is { } path ? Parsed.Named("--mask", () => Mask.Fit(Mask.Load(path), one.Size)) : null;
            LibTorch.EnsureLoaded();

            using var perceptual = parse.GetValue(lpips) is { } files ? MetricModels.OpenLpips(files) : null;
            var measured = Pixels(one, other, perceptual);
            using var structure = models.OpenDino(parse);
            if (structure is not null)
                measured["structure"] = structure.StructureDistance(one, other);
            using var clip = models.OpenClip(parse, withTexts: texts.Length > 0);
            if (clip is not null)
                AddClip(measured, ClipSimilarity.Of(clip, one, other, texts));
            if (edited is not null)
                measured["masked"] = Pixels(OutsideMask.Of(one, edited), OutsideMask.Of(other, edited), perceptual);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(measured));
            else
                Print(measured);
            return ExitCode.Done;
        });
        return command;
    }

    private static JsonObject Pixels(Image one, Image other, Lpips? perceptual)
    {
        var pixels = PixelMetrics.Of(one, other);
        var measured = new JsonObject { ["psnr"] = Finite(pixels.Psnr), ["mse"] = pixels.Mse, ["ssim"] = pixels.Ssim };
        if (perceptual is not null)
            measured["lpips"] = perceptual.Distance(one, other);
        return measured;
    }

    private static void AddClip(JsonObject measured, ClipSimilarity similarity)
    {
        measured["clip_image"] = similarity.Images;
        if (similarity.Texts.Count > 0)
            measured["clip_text"] = Json.Array(similarity.Texts);
        if (similarity.Direction is { } direction)
            measured["clip_direction"] = direction;
    }

    private static void Print(JsonObject measured)
    {
        var table = new Table().AddColumns("measure", "value");
        AddRows(measured, "");
        AnsiConsole.Write(table);

        void AddRows(JsonObject part, string prefix)
        {
            foreach (var (name, value) in part)
            {
                if (value is JsonObject inner)
                    AddRows(inner, $"{name} ");
                else
                    table.AddRow(prefix + name.Replace('_', ' '), value is JsonArray several ? string.Join(", ", several.Select(Shown)) : Shown(value));
            }
        }
    }

    private static string Shown(JsonNode? value) => value is null ? "∞ (equal)" : ((double)value).ToString("G6", CultureInfo.InvariantCulture);

    // JSON has no infinity.
    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;

    private static Option<string?> File(string name, string description, string helpName) => new(name) { Description = description, HelpName = helpName };
}
