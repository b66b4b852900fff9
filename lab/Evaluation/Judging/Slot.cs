using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Evaluation.Judging;

/// <summary>A visible property of a scene that a judge classifies.</summary>
internal enum Slot
{
    /// <summary>The subject.</summary>
    Subject,

    /// <summary>The subject's color.</summary>
    Color,

    /// <summary>The place.</summary>
    Place,

    /// <summary>The time of day.</summary>
    Time,

    /// <summary>The weather.</summary>
    Weather,

    /// <summary>The style.</summary>
    Style,
}

/// <summary>The values of slots, as numeric values of the world's enums.</summary>
internal static class Slots
{
    /// <summary>All slots.</summary>
    public static IReadOnlyList<Slot> All { get; } = Enum.GetValues<Slot>();

    /// <summary>Number of values of a slot.</summary>
    public static int Count(Slot slot) => Names(slot).Length;

    /// <summary>The names of a slot's values, in order.</summary>
    public static string[] Names(Slot slot) => slot switch
    {
        Slot.Subject => Enum.GetNames<Subject>(),
        Slot.Color => Enum.GetNames<Color>(),
        Slot.Place => Enum.GetNames<Place>(),
        Slot.Time => Enum.GetNames<TimeOfDay>(),
        Slot.Weather => Enum.GetNames<Weather>(),
        Slot.Style => Enum.GetNames<Style>(),
        _ => throw new ArgumentOutOfRangeException(nameof(slot)),
    };

    /// <summary>The visible value in a scene's image; null for an unspecified color, or one that a pencil cannot draw.</summary>
    public static int? Of(Scene scene, Slot slot) => slot switch
    {
        Slot.Subject => (int)scene.Subject,
        Slot.Color => scene.Style == Style.Sketch ? null : (int?)scene.Color,
        Slot.Place => (int)scene.Place,
        Slot.Time => (int)scene.Time,
        Slot.Weather => (int)scene.Weather,
        Slot.Style => (int)scene.Style,
        _ => throw new ArgumentOutOfRangeException(nameof(slot)),
    };
}
