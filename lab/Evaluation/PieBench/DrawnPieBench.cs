using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>A data set in the layout of PIE-Bench with drawings and exact masks.</summary>
internal static class DrawnPieBench
{
    // Training uses the beginning of a sequence of images, other measures start at 2⁴¹ and 3·2⁴¹; these come from far beyond.
    private const long First = 5L << 41;

    // A pixel covered by less than this counts as not covered.
    private const float Touched = 0.02f;

    // The types of PIE-Bench that the drawn world has.
    private static readonly int[] Types = [1, 2, 3, 6, 8, PieBenchItem.StyleType];

    /// <summary>Writes a data set. Equal sides, counts and seeds give equal files.</summary>
    /// <param name="folder">The folder, which need not exist.</param>
    /// <param name="side">Width and height of the images.</param>
    /// <param name="count">Number of images, evenly spread over the types.</param>
    /// <param name="seed">The seed.</param>
    public static PieBenchData Write(string folder, int side, int count, int seed)
    {
        using var images = new Images(seed, side);
        var data = new PieBenchData(folder, []);
        data = data with { Items = [.. Enumerable.Range(0, count).Select(Draw)] };
        data.WriteMapping();
        return data;

        PieBenchItem Draw(int number)
        {
            var type = Types[number % Types.Length];
            var pair = Pair(type, images.Numbers(First + number));
            var (source, target) = (images.Paint(pair.Source), images.Paint(pair.Target));
            var id = $"{number:D12}";
            var item = new PieBenchItem
            {
                Id = id,
                ImagePath = $"{type}_{PieBenchItem.Types[type].Replace(' ', '_')}/{id}.png",
                SourcePrompt = Caption.Canonical(pair.Source).Text,
                TargetPrompt = Caption.Canonical(pair.Target).Text,
                Instruction = PieBenchItem.Types[type],
                Type = type,
                Blend = type is 1 or 6 ? [(Noun(pair.Source), Noun(pair.Target))] : [],
                MaskRuns = PieBenchMask.Encode([.. Edited(type, source, target)]),
            };
            Directory.CreateDirectory(Path.GetDirectoryName(data.PathOf(item))!);
            new Image(source.Size, source.Size, source.Rgb).SavePng(data.PathOf(item));
            return item;
        }
    }

    private static (Scene Source, Scene Target) Pair(int type, Random numbers)
    {
        if (type is 2 or 3)
        {
            var alone = Scene.Sample(numbers) with { Companion = null, Style = Style.Image };
            var companions = Scene.Companions.Where(companion => companion != alone.Subject).ToList();
            var together = alone with { Companion = companions[numbers.Next(companions.Count)] };
            return type == 2 ? (alone, together) : (together, alone);
        }

        var pair = EditPairs.Make(type switch { 1 => EditKind.SubjectSwap, 6 => EditKind.ColorSwap, 8 => EditKind.PlaceSwap, _ => EditKind.AddedStyle }, numbers);
        return (pair.Source, pair.Target);
    }

    private static string Noun(Scene scene) => Caption.Canonical(scene).Grounding.Last(word => word.Part == Part.Subject).Word;

    // The changed part in either drawing: the subject, the companion, all but these, or everything.
    private static IEnumerable<bool> Edited(int type, Painting source, Painting target)
    {
        return type switch
        {
            1 or 6 => Covered(Part.Subject),
            2 or 3 => Covered(Part.Companion),
            8 => Covered(Part.Place).Zip(Covered(Part.Sky), (place, sky) => place || sky),
            _ => Covered(Part.Whole),
        };

        IEnumerable<bool> Covered(Part part) => source.Region(part).Zip(target.Region(part), (before, after) => Math.Max(before, after) > Touched);
    }
}
