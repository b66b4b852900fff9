using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PromptToPrompt.Cli.Runs;

/// <summary>How JSON is written: words stay readable in every script.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new(OneLine) { WriteIndented = true };

    /// <summary>For programs: one line.</summary>
    public static string Line(JsonNode node) => node.ToJsonString(OneLine);

    /// <summary>For files.</summary>
    public static string File(JsonNode node) => node.ToJsonString(Indented) + "\n";

    /// <summary>A signal-to-noise ratio; null where it is infinite, which JSON cannot say, or was not measured.</summary>
    public static double? Decibels(double? value) => value is { } number && double.IsFinite(number) ? Math.Round(number, 2) : null;

    /// <summary>An array of plain values.</summary>
    public static JsonArray Array<T>(IEnumerable<T> values) => [.. values.Select(value => (JsonNode?)JsonValue.Create(value))];
}
