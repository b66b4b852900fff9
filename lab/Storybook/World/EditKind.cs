namespace PromptToPrompt.Storybook.World;

/// <summary>The slot that an edit changes.</summary>
public enum EditKind
{
    /// <summary>Another subject: "cat" becomes "dog".</summary>
    SubjectSwap,

    /// <summary>Another color of the subject.</summary>
    ColorSwap,

    /// <summary>Another place.</summary>
    PlaceSwap,

    /// <summary>A style is added: "a children's drawing of …".</summary>
    AddedStyle,

    /// <summary>A time is added: "… at night".</summary>
    AddedTime,

    /// <summary>Weather or a season is added: "… in the snow".</summary>
    AddedWeather,

    /// <summary>The prompt stays; one word gets more or less weight.</summary>
    Reweight,
}
