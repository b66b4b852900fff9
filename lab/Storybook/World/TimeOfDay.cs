namespace PromptToPrompt.Storybook.World;

/// <summary>The time of day of a scene.</summary>
public enum TimeOfDay
{
    /// <summary>Daylight; usually not named in a caption.</summary>
    Day,

    /// <summary>Night: dark blue, with moon and stars.</summary>
    Night,

    /// <summary>Sunset: a low sun in a red and orange sky.</summary>
    Sunset,
}
