using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Evaluation.Judging;
using PromptToPrompt.Storybook.Training;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Experiments;

/// <summary>A kind of edit of the drawn world; the number is that of PIE-Bench's type.</summary>
internal enum DrawnEditKind
{
    /// <summary>Another subject.</summary>
    ChangeObject = 1,

    /// <summary>A second thing is added.</summary>
    AddObject = 2,

    /// <summary>The second thing is removed.</summary>
    DeleteObject = 3,

    /// <summary>Another color of the subject.</summary>
    ChangeColor = 6,

    /// <summary>Another place.</summary>
    ChangeBackground = 8,

    /// <summary>Another style of the whole image.</summary>
    ChangeStyle = 9,
}

/// <summary>A drawing, the edit of its caption, and the exact region that the edit concerns.</summary>
/// <param name="Number">Its number in the sequence, from 0.</param>
/// <param name="Kind">The kind of edit.</param>
/// <param name="Source">The scene of the drawing.</param>
/// <param name="Target">The scene that the edit asks for.</param>
/// <param name="Drawing">The drawing.</param>
/// <param name="Region">For each pixel, row by row, whether the edit concerns it.</param>
internal sealed record DrawnEdit(int Number, DrawnEditKind Kind, Scene Source, Scene Target, Image Drawing, IReadOnlyList<bool> Region)
{
    // Training uses the beginning of a sequence of images, other measures start at 2⁴¹ and 3·2⁴¹; these come from far beyond.
    private const long First = 5L << 41;

    // A pixel covered by less than this counts as not covered.
    private const float Touched = 0.02f;

    private static readonly DrawnEditKind[] Kinds = Enum.GetValues<DrawnEditKind>();

    /// <summary>The caption of the drawing.</summary>
    public string SourcePrompt => Caption.Canonical(Source).Text;

    /// <summary>The caption that the edit asks for.</summary>
    public string TargetPrompt => Caption.Canonical(Target).Text;

    /// <summary>The property that the edit changes and a judge can see; null for a second thing.</summary>
    public Slot? Changed => Kind switch
    {
        DrawnEditKind.ChangeObject => Slot.Subject,
        DrawnEditKind.ChangeColor => Slot.Color,
        DrawnEditKind.ChangeBackground => Slot.Place,
        DrawnEditKind.ChangeStyle => Slot.Style,
        _ => null,
    };

    /// <summary>Draws edits, evenly spread over the kinds. Equal sides, counts and seeds give equal edits.</summary>
    /// <param name="side">Width and height of the drawings.</param>
    /// <param name="count">Number of edits.</param>
    /// <param name="seed">The seed.</param>
    public static IEnumerable<DrawnEdit> Make(int side, int count, int seed)
    {
        using var images = new Images(seed, side);
        for (var number = 0; number < count; number++)
        {
            var kind = Kinds[number % Kinds.Length];
            var (source, target) = Pair(kind, images.Numbers(First + number));
            var (before, after) = (images.Paint(source), images.Paint(target));
            yield return new(number, kind, source, target, new Image(before.Size, before.Size, before.Rgb), [.. Concerned(kind, before, after)]);
        }
    }

    private static (Scene Source, Scene Target) Pair(DrawnEditKind kind, Random numbers)
    {
        if (kind is DrawnEditKind.AddObject or DrawnEditKind.DeleteObject)
        {
            var alone = Scene.Sample(numbers) with { Companion = null, Style = Style.Image };
            var companions = Scene.Companions.Where(companion => companion != alone.Subject).ToList();
            var together = alone with { Companion = companions[numbers.Next(companions.Count)] };
            return kind == DrawnEditKind.AddObject ? (alone, together) : (together, alone);
        }

        var pair = EditPairs.Make(
            kind switch
            {
                DrawnEditKind.ChangeObject => EditKind.SubjectSwap,
                DrawnEditKind.ChangeColor => EditKind.ColorSwap,
                DrawnEditKind.ChangeBackground => EditKind.PlaceSwap,
                _ => EditKind.AddedStyle,
            },
            numbers);
        return (pair.Source, pair.Target);
    }

    // The changed part in either drawing: the subject, the companion, all but these, or everything.
    private static IEnumerable<bool> Concerned(DrawnEditKind kind, Painting source, Painting target)
    {
        return kind switch
        {
            DrawnEditKind.ChangeObject or DrawnEditKind.ChangeColor => Covered(Part.Subject),
            DrawnEditKind.AddObject or DrawnEditKind.DeleteObject => Covered(Part.Companion),
            DrawnEditKind.ChangeBackground => Covered(Part.Place).Zip(Covered(Part.Sky), (place, sky) => place || sky),
            _ => Covered(Part.Whole),
        };

        IEnumerable<bool> Covered(Part part) => source.Region(part).Zip(target.Region(part), (before, after) => Math.Max(before, after) > Touched);
    }
}
