namespace PromptToPrompt.Storybook.World.Drawing;

/// <summary>What a painted thing is made of: decides how season and light change its color.</summary>
internal enum Material
{
    /// <summary>Grass and meadow: white under snow, golden in autumn.</summary>
    Grass,

    /// <summary>Leaves of broad trees and bushes: frosted under snow, red and gold in autumn.</summary>
    Leaf,

    /// <summary>Needles and other evergreens: frosted under snow.</summary>
    Evergreen,

    /// <summary>Sand, paths, roads: mostly white under snow.</summary>
    Ground,

    /// <summary>Rock and roofs: dusted with snow.</summary>
    Rock,

    /// <summary>Water: reflects the sky.</summary>
    Water,

    /// <summary>Walls, trunks and other things of the place that no season changes.</summary>
    Thing,

    /// <summary>Subject and companion: the light changes them least, so that their color can still be named.</summary>
    Figure,
}
