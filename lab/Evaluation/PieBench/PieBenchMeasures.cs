using System.Text.Json;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Metrics;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>
/// The measures of the published evaluation: structure distance of the whole images; PSNR, LPIPS, MSE and SSIM of the background, which is the images with
/// the edited part black; and CLIP's similarity of the target prompt and the image, whole and with only the edited part.
/// </summary>
/// <param name="clip">The CLIP model with its tokenizer, and its name; null to leave its measures out.</param>
/// <param name="dino">The DINO model and its name; null to leave its measure out.</param>
/// <param name="lpips">LPIPS and its name; null to leave it out.</param>
internal sealed class PieBenchMeasures((string Name, ClipModel Model)? clip, (string Name, DinoModel Model)? dino, (string Name, Lpips Model)? lpips)
{
    private readonly IReadOnlyList<(string Name, string? Model)> measures =
    [
        ("psnr", null), ("mse", null), ("ssim", null), ("lpips", lpips?.Name ?? ""), ("structure", dino?.Name ?? ""), ("clip_whole", clip?.Name ?? ""), ("clip_edited", clip?.Name ?? ""),
    ];

    /// <summary>The measures in the order of the published table: name, factor by which the table multiplies, format.</summary>
    public static IReadOnlyList<(string Name, string Heading, double Factor, string Format)> Columns { get; } =
    [
        ("structure", "structure ×10³", 1e3, "F2"),
        ("psnr", "PSNR", 1, "F2"),
        ("lpips", "LPIPS ×10³", 1e3, "F2"),
        ("mse", "MSE ×10⁴", 1e4, "F2"),
        ("ssim", "SSIM ×10²", 1e2, "F2"),
        ("clip_whole", "CLIP whole", 100, "F2"),
        ("clip_edited", "CLIP edited", 100, "F2"),
    ];

    /// <summary>Measures an edit. Measures by the same models that stand beside it are read instead.</summary>
    /// <param name="edited">Path of the edit.</param>
    /// <param name="item">Its item.</param>
    /// <param name="load">Loads the source and its mask, at the edit's size.</param>
    /// <returns>Each measure by its name; null where it is not defined, because there is no background, or infinite.</returns>
    public IReadOnlyDictionary<string, double?> Of(string edited, PieBenchItem item, Func<(Image Image, Image Mask)> load)
    {
        var wanted = measures.Where(measure => measure.Model != "").ToDictionary(measure => measure.Name, measure => measure.Model is { } model ? $"{measure.Name} {model}" : measure.Name);
        var path = Path.ChangeExtension(edited, ".json");
        var known = File.Exists(path) ? JsonSerializer.Deserialize<SortedDictionary<string, double?>>(File.ReadAllText(path))! : [];
        var missing = wanted.Where(measure => !known.ContainsKey(measure.Value)).ToList();
        if (missing.Count > 0)
        {
            var (source, mask) = load();
            var pair = new MaskedPair(source, Image.Load(edited), mask);
            foreach (var (name, key) in missing)
                known[key] = Measure(name, pair, item) is { } number && double.IsFinite(number) ? number : null;
            AtomicFile.WriteText(path, JsonSerializer.Serialize(known));
        }

        return wanted.ToDictionary(measure => measure.Key, measure => known[measure.Value]);
    }

    private double? Measure(string name, MaskedPair pair, PieBenchItem item) => name switch
    {
        "structure" => dino!.Value.Model.StructureDistance(pair.Source, pair.Edit),
        "clip_whole" => Similarity(pair.Edit, item),
        "clip_edited" => Similarity(pair.Edited, item),
        _ when !pair.HasBackground => null,
        "lpips" => lpips!.Value.Model.Distance(pair.Background.Source, pair.Background.Edit),
        "psnr" => pair.Pixels.Psnr,
        "mse" => pair.Pixels.Mse,
        _ => pair.Pixels.Ssim,
    };

    // The published score is not negative.
    private double Similarity(Image image, PieBenchItem item) => Math.Max(0, ClipSimilarity.Of(clip!.Value.Model, image, item.TargetPrompt));

    // The parts of a pair, each made once.
    private sealed class MaskedPair(Image source, Image edit, Image mask)
    {
        private PixelMetrics? pixels;
        private (Image Source, Image Edit)? background;

        public Image Source => source;

        public Image Edit => edit;

        public bool HasBackground { get; } = mask.Rgb.Any(value => value == 0);

        public (Image Source, Image Edit) Background => background ??= (OutsideMask.Of(source, mask), OutsideMask.Of(edit, mask));

        public PixelMetrics Pixels => pixels ??= PixelMetrics.Of(Background.Source, Background.Edit);

        public Image Edited => OutsideMask.Of(edit, mask with { Rgb = [.. mask.Rgb.Select(value => (byte)(byte.MaxValue - value))] });
    }
}
