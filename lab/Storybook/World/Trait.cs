namespace PromptToPrompt.Storybook.World;

/// <summary>One thing said about the subject besides its color.</summary>
public enum Trait
{
    /// <summary>Nothing is said.</summary>
    None,

    /// <summary>The subject fills much of the picture.</summary>
    Big,

    /// <summary>The subject is small in the picture.</summary>
    Small,

    /// <summary>The subject (an animal) wears a hat.</summary>
    Hat,

    /// <summary>The subject (an animal) wears a scarf.</summary>
    Scarf,

    /// <summary>The subject has broad stripes.</summary>
    Striped,

    /// <summary>The subject has round spots.</summary>
    Spotted,
}
