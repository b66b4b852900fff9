namespace PromptToPrompt.Storybook.World;

/// <summary>The place of a scene.</summary>
public enum Place
{
    /// <summary>A meadow with a winding river.</summary>
    River,

    /// <summary>Sand and the sea.</summary>
    Beach,

    /// <summary>High peaks above a meadow.</summary>
    Mountains,

    /// <summary>Rolling fields with flowers.</summary>
    Field,

    /// <summary>Trees on every side.</summary>
    Forest,

    /// <summary>A street before a row of buildings.</summary>
    City,

    /// <summary>Dunes, rocks and cacti.</summary>
    Desert,

    /// <summary>A lake among hills, seen from its shore.</summary>
    Lake,
}
