using System.Text.Json.Serialization;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Grids;

/// <summary>A grid as it is stored: an edit, and the one or two settings that vary. Its pictures are ordinary versions of the project.</summary>
public sealed record GridPlan
{
    /// <summary>Largest number of edits in a grid.</summary>
    internal const int MaxCells = 64;

    /// <summary>The edit whose settings vary.</summary>
    public required EditedRecipe Edit { get; init; }

    /// <summary>The setting that varies from left to right: <c>crossSteps=0,0.4,0.8</c>, or <c>weight:red=0,1,2</c>.</summary>
    public required string Columns { get; init; }

    /// <summary>The setting that varies from top to bottom; empty for none.</summary>
    public string Rows { get; init; } = "";

    /// <summary>The columns.</summary>
    /// <exception cref="Diffusion.InvalidInputException">They have another form.</exception>
    [JsonIgnore]
    internal GridAxis Across => Read(nameof(Columns), Columns);

    /// <summary>The rows; a single one for none.</summary>
    /// <exception cref="Diffusion.InvalidInputException">They have another form.</exception>
    [JsonIgnore]
    internal GridAxis Down => Rows.Length == 0 ? GridAxis.Single : Read(nameof(Rows), Rows);

    private static GridAxis Read(string name, string text)
    {
        try
        {
            return GridAxis.Parse(text);
        }
        catch (FormatException e)
        {
            throw new Diffusion.InvalidInputException(name, $"\"{text}\" is not a setting with its values.", "Write it like crossSteps=0,0.4,0.8 or weight:red=0,1,2.", e);
        }
    }
}
