using System.Collections.Frozen;
using System.Text.Json;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>Maps settings of the libraries to JSON fields of recipes. Library errors name settings by their properties.</summary>
internal static class FieldNames
{
    // All other settings map by name.
    private static readonly FrozenDictionary<string, string> Exceptions = new Dictionary<string, string>
    {
        ["Alignment"] = "kind",
        ["Chunks"] = "longPrompts",
        ["Framing"] = "frame",
        ["Scheduler"] = "scheduler",
        ["Weights"] = "prompt",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The field of a setting.</summary>
    public static string Of(string setting) => Exceptions.GetValueOrDefault(setting) ?? JsonNamingPolicy.CamelCase.ConvertName(setting);
}
