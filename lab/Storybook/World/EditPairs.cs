namespace PromptToPrompt.Storybook.World;

/// <summary>Creates the edit pairs for measuring a model of this world.</summary>
public static class EditPairs
{
    private static readonly EditKind[] Kinds = Enum.GetValues<EditKind>();

    /// <summary>Creates pairs, evenly spread over the kinds of edit; equal counts and seeds give equal pairs.</summary>
    public static IReadOnlyList<EditPair> Make(int count, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var rng = new Random(seed);
        var pairs = new List<EditPair>(count);
        while (pairs.Count < count)
            pairs.Add(Make(Kinds[pairs.Count % Kinds.Length], rng));
        return pairs;
    }

    /// <summary>Creates a pair of one kind, from the next numbers of <paramref name="rng"/>.</summary>
    public static EditPair Make(EditKind kind, Random rng)
    {
        ArgumentNullException.ThrowIfNull(rng);
        var scene = Scene.Sample(rng);
        // Most edits start from a plain image, as most users do.
        if (rng.Next(5) != 0)
            scene = scene with { Style = Style.Image };
        var (source, target) = kind switch
        {
            EditKind.SubjectSwap => SwapSubject(scene, rng),
            EditKind.ColorSwap => SwapColor(scene, rng),
            EditKind.PlaceSwap => (scene, scene with { Place = Other(scene.Place, rng) }),
            EditKind.AddedStyle => Add(scene with { Style = Style.Image }, s => s with { Style = Other(Style.Image, rng) }),
            EditKind.AddedTime => Add(
                Unless(Weather.Rainbow, scene) with { Time = TimeOfDay.Day }, s => s with { Time = Other(TimeOfDay.Day, rng) }),
            EditKind.AddedWeather => Add(
                scene with { Weather = Weather.Clear, Time = scene.Time == TimeOfDay.Night ? TimeOfDay.Day : scene.Time },
                s => s with { Weather = Other(Weather.Clear, rng) }),
            _ => Add(scene with { Weather = Other(Weather.Clear, rng), Time = TimeOfDay.Day }, s => s),
        };
        var (before, after) = (Caption.Canonical(source), Caption.Canonical(target));
        return new EditPair
        {
            Kind = kind,
            Source = source,
            Target = target,
            SourcePrompt = before.Text,
            TargetPrompt = after.Text,
            SourceWords = Only(before, after),
            TargetWords = Only(after, before),
            Word = kind == EditKind.Reweight ? before.Grounding[^1].Word : null,
        };
    }

    // Animals stay animals and objects stay objects, so that the new subject is plausible in the same place.
    private static (Scene Source, Scene Target) SwapSubject(Scene scene, Random rng)
    {
        var source = Scene.Allows(scene.Subject, scene.Trait) ? scene : scene with { Trait = Trait.None };
        Subject[] others =
        [
            .. Scene.Subjects.Where(other =>
                other != source.Subject && other != source.Companion
                && Scene.IsAnimal(other) == Scene.IsAnimal(source.Subject)
                && Scene.Allows(other, source.Trait)),
        ];
        return (source, source with { Subject = others[rng.Next(others.Length)] });
    }

    private static (Scene Source, Scene Target) SwapColor(Scene scene, Random rng)
    {
        var colors = Enum.GetValues<Color>();
        var source = scene with
        {
            Color = scene.Color ?? colors[rng.Next(colors.Length)],
            // A pencil has no colors.
            Style = scene.Style == Style.Sketch ? Style.Image : scene.Style,
        };
        return (source, source with { Color = Other(source.Color.Value, rng) });
    }

    private static (Scene Source, Scene Target) Add(Scene scene, Func<Scene, Scene> change) => (scene, change(scene));

    private static Scene Unless(Weather weather, Scene scene) =>
        scene.Weather == weather ? scene with { Weather = Weather.Clear } : scene;

    private static T Other<T>(T value, Random rng)
        where T : struct, Enum
    {
        var others = Array.FindAll(Enum.GetValues<T>(), other => !other.Equals(value));
        return others[rng.Next(others.Length)];
    }

    private static string[] Only(Caption one, Caption other)
    {
        var rest = other.Grounding.Select(grounding => grounding.Word).ToList();
        return [.. one.Grounding.Select(grounding => grounding.Word).Where(word => !rest.Remove(word))];
    }
}
