using System.Text.Json;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Metrics;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>
/// The measures of the published evaluation: structure distance of the whole images; PSNR, LPIPS, MSE and SSIM of the background, which is the images with
/// the edited part black; and CLIP's similarity of the target prompt and the image, whole and with only the edited part.
/// </summary>
/// <param name="clip">The CLIP model with its tokenizer; null to leave its measures out.</param>
/// <param name="dino">The DINO model; null to leave its measure out.</param>
/// <param name="lpips">LPIPS; null to leave it out.</param>
internal sealed class PieBenchMeasures(ClipModel? clip, DinoModel? dino, Lpips? lpips)
{
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

    /// <summary>Measures an edit, or reads the measures that stand beside it.</summary>
    /// <param name="edited">Path of the edit.</param>
    /// <param name="item">Its item.</param>
    /// <param name="load">Loads the source and its mask, at the edit's size.</param>
    /// <returns>Each measure by its name; null where it is not defined, because there is no background, or infinite.</returns>
    public IReadOnlyDictionary<string, double?> Of(string edited, PieBenchItem item, Func<(Image Image, Image Mask)> load)
    {
        var path = Path.ChangeExtension(edited, ".json");
        var known = File.Exists(path) ? JsonSerializer.Deserialize<SortedDictionary<string, double?>>(File.ReadAllText(path))! : [];
        if (Names.All(known.ContainsKey))
            return known;
        var (source, mask) = load();
        foreach (var (name, value) in Measure(source, mask, Image.Load(edited), item))
            known[name] = value is { } number && double.IsFinite(number) ? number : null;
        AtomicFile.WriteText(path, JsonSerializer.Serialize(known));
        return known;
    }

    private IEnumerable<string> Names => ["psnr", "mse", "ssim", .. lpips is null ? (string[])[] : ["lpips"], .. dino is null ? (string[])[] : ["structure"], .. clip is null ? (string[])[] : ["clip_whole", "clip_edited"]];

    private IEnumerable<(string Name, double? Value)> Measure(Image source, Image mask, Image edit, PieBenchItem item)
    {
        var hasBackground = mask.Rgb.Any(value => value == 0);
        var (before, after) = (OutsideMask.Of(source, mask), OutsideMask.Of(edit, mask));
        var pixels = hasBackground ? PixelMetrics.Of(before, after) : null;
        yield return ("psnr", pixels?.Psnr);
        yield return ("mse", pixels?.Mse);
        yield return ("ssim", pixels?.Ssim);
        if (lpips is not null)
            yield return ("lpips", hasBackground ? lpips.Distance(before, after) : null);
        if (dino is not null)
            yield return ("structure", dino.StructureDistance(source, edit));
        if (clip is not null)
        {
            yield return ("clip_whole", Similarity(clip, edit, item.TargetPrompt));
            yield return ("clip_edited", Similarity(clip, OutsideMask.Of(edit, Inverse(mask)), item.TargetPrompt));
        }
    }

    private static Image Inverse(Image mask) => mask with { Rgb = [.. mask.Rgb.Select(value => (byte)(byte.MaxValue - value))] };

    // The published score is not negative.
    private static double Similarity(ClipModel clip, Image image, string caption) => Math.Max(0, ClipSimilarity.Of(clip, image, image, [caption]).Texts[0]);
}
