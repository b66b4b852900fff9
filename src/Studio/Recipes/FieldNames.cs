using System.Collections.Frozen;
using System.Text.Json;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>The JSON fields that settings of the libraries have in recipes. Errors name settings by their properties.</summary>
internal static class FieldNames
{
    // Every other setting has the field of its own name.
    private static readonly FrozenDictionary<string, string> Exceptions = new Dictionary<string, string>
    {
        ["Alignment"] = "kind",
        ["Chunks"] = "longPrompts",
        ["Framing"] = "frame",
        ["Sampler"] = "scheduler",
        ["Weights"] = "prompt",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The field of a setting.</summary>
    public static string Of(string setting) => Exceptions.GetValueOrDefault(setting) ?? JsonNamingPolicy.CamelCase.ConvertName(setting);
}
