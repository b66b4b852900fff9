namespace PromptToPrompt.Storybook.World;

/// <summary>Weather or season of a picture.</summary>
public enum Weather
{
    /// <summary>Clear weather; usually not named in a caption.</summary>
    Clear,

    /// <summary>Snow on the ground and in the air.</summary>
    Snow,

    /// <summary>Rain from gray clouds.</summary>
    Rain,

    /// <summary>A rainbow across the sky.</summary>
    Rainbow,

    /// <summary>Fog that hides the distance.</summary>
    Fog,

    /// <summary>Autumn: leaves and grass in red and gold.</summary>
    Autumn,
}
