using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Judging;

/// <summary>What a judge says of a picture: a slot of the scene that can be seen.</summary>
public enum Slot
{
    /// <summary>What the picture is of.</summary>
    Subject,

    /// <summary>The subject's colour.</summary>
    Colour,

    /// <summary>Where it plays.</summary>
    Place,

    /// <summary>The time of day.</summary>
    Time,

    /// <summary>The weather.</summary>
    Weather,

    /// <summary>The style.</summary>
    Style,
}

/// <summary>The values of slots, as numbers of the world's enums.</summary>
public static class Slots
{
    /// <summary>All slots.</summary>
    public static IReadOnlyList<Slot> All { get; } = Enum.GetValues<Slot>();

    /// <summary>How many values a slot has.</summary>
    public static int Count(Slot slot) => Names(slot).Length;

    /// <summary>The names of a slot's values, in order.</summary>
    public static string[] Names(Slot slot) => slot switch
    {
        Slot.Subject => Enum.GetNames<Subject>(),
        Slot.Colour => Enum.GetNames<Colour>(),
        Slot.Place => Enum.GetNames<Place>(),
        Slot.Time => Enum.GetNames<TimeOfDay>(),
        Slot.Weather => Enum.GetNames<Weather>(),
        Slot.Style => Enum.GetNames<Style>(),
        _ => throw new ArgumentOutOfRangeException(nameof(slot)),
    };

    /// <summary>The value that a scene's picture shows; null for a colour that nobody said, or that a pencil cannot draw.</summary>
    public static int? Of(Scene scene, Slot slot) => slot switch
    {
        Slot.Subject => (int)scene.Subject,
        Slot.Colour => scene.Style == Style.Sketch ? null : (int?)scene.Colour,
        Slot.Place => (int)scene.Place,
        Slot.Time => (int)scene.Time,
        Slot.Weather => (int)scene.Weather,
        Slot.Style => (int)scene.Style,
        _ => throw new ArgumentOutOfRangeException(nameof(slot)),
    };
}
