namespace PromptToPrompt.Storybook.World;

/// <summary>
/// A part of a picture that words can name. Subject, companion, sky and place are disjoint and cover the picture;
/// the accessory lies within the subject.
/// </summary>
public enum Part
{
    /// <summary>The subject with everything it wears.</summary>
    Subject,

    /// <summary>The second object.</summary>
    Companion,

    /// <summary>The hat or scarf of the subject.</summary>
    Accessory,

    /// <summary>The ground and everything on it that is not the subject or the companion.</summary>
    Place,

    /// <summary>The sky with sun, moon, stars, clouds and rainbow.</summary>
    Sky,

    /// <summary>The whole picture.</summary>
    Whole,
}
