using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
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
        var clip = File("--clip", "CLIP model, such as openai/clip-vit-large-patch14, for similarities of images and captions", "dir|file|name");
        var dino = File("--dino", "DINO model, such as facebook/dino-vitb8, for the structure distance", "dir|file|name");
        var lpips = File("--lpips", "SqueezeNet 1.1 and the linear heads of LPIPS", "backbone,heads");
        var tokenizer = File("--tokenizer", "Tokenizer of the CLIP model, if its folder has none", "dir");
        var command = new Command("metrics", "Measure how two images differ: PSNR, SSIM, LPIPS, structure, CLIP") { first, second, mask, captions, clip, dino, lpips, tokenizer }.In(HelpGroup.Images);
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
            InvalidInputException.Require(texts.Length == 0 || parse.GetValue(clip) is not null, "--caption", "Captions are compared by a CLIP model.", "Add --clip.");
            var edited = parse.GetValue(mask) is { } path ? Parsed.Named("--mask", () => Mask.Fit(Mask.Load(path), one.Size)) : null;
            LibTorch.EnsureLoaded();

            using var perceptual = parse.GetValue(lpips) is { } files ? OpenLpips(files) : null;
            var measured = Pixels(one, other, perceptual);
            if (parse.GetValue(dino) is { } structureModel)
            {
                using var structure = new DinoModel(Locate("--dino", structureModel));
                measured["structure"] = structure.StructureDistance(one, other);
            }

            if (parse.GetValue(clip) is { } clipModel)
                AddClip(measured, Locate("--clip", clipModel), parse.GetValue(tokenizer), one, other, texts);
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

    private static void AddClip(JsonObject measured, string path, string? tokenizer, Image one, Image other, string[] texts)
    {
        using var clip = new ClipModel(path, texts.Length == 0 ? null : FindTokenizer(path, tokenizer).Load());
        using var scope = TorchSharp.torch.NewDisposeScope();
        var images = new[] { clip.Embed(one), clip.Embed(other) };
        measured["clip_image"] = Similarity(images[0], images[1]);
        if (texts.Length == 0)
            return;
        var captions = texts.Select(clip.Embed).ToList();
        measured["clip_text"] = Json.Array(captions.Zip(images, Similarity));
        if (captions.Count == MaxCaptions)
            measured["clip_direction"] = Similarity(images[1] - images[0], captions[1] - captions[0]);

        static double Similarity(TorchSharp.torch.Tensor a, TorchSharp.torch.Tensor b) => TorchSharp.torch.nn.functional.cosine_similarity(a, b, -1).ReadDouble();
    }

    // The hub's CLIP models have the tokenizer beside the weights.
    private static TokenizerFolder FindTokenizer(string path, string? given)
    {
        var folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        return TokenizerSearch.Find(Path.Combine(folder, "model.safetensors"), new ModelLoadOptions { Tokenizer = given ?? (TokenizerFolder.IsOne(folder) ? folder : null) });
    }

    private static Lpips OpenLpips(string files) => files.Split(',') is [var backbone, var heads] && backbone.Length > 0 && heads.Length > 0
        ? Parsed.Named("--lpips", () => new Lpips(backbone, heads))
        : throw new InvalidInputException("--lpips", $"\"{files}\" is not valid.", "Give two files, BACKBONE,HEADS: squeezenet1_1-b8a52dc0.pth of torchvision and squeeze.pth of LPIPS.");

    // A folder, a file, or a repository in the hub's cache.
    private static string Locate(string option, string name)
    {
        if (Path.Exists(name) || !HubRepository.TryParse(name, out var repository))
            return name;
        var cached = new HubCache(new HubSettings().CacheFolder).Repository(repository);
        return cached.Find(null)?.Path ?? throw new InvalidInputException(
            option, $"The Hugging Face cache ({cached.Folder}) has no {repository}.", $"Download it with `p2p models pull {repository} --file config.json --file model.safetensors{(option == "--clip" ? " --file vocab.json --file merges.txt --file tokenizer_config.json" : "")}`.");
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
