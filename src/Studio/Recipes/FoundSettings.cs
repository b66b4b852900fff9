using System.Text.Json.Serialization;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The settings that a picture file contains.</summary>
/// <param name="Source">The recipe of the source, or of the picture itself; null if it cannot be restored.</param>
/// <param name="Edits">The edits from the source to the picture. Each is an edit of the one before it; their sources are empty.</param>
/// <param name="Ignored">Names of the settings that are not restored.</param>
/// <param name="Problem">Why the settings cannot be restored, or null.</param>
public sealed record FoundSettings(DrawnRecipe? Source, IReadOnlyList<EditedRecipe> Edits, IReadOnlyList<string> Ignored, string? Problem)
{
    /// <summary>The prompt of the picture; empty if it is unknown.</summary>
    [JsonIgnore]
    public string Prompt => Edits.Count > 0 ? Edits[^1].Prompt : Source?.Prompt ?? "";

    /// <summary>Settings that cannot be restored.</summary>
    internal static FoundSettings Unusable(string problem) => new(null, [], [], problem);
}
