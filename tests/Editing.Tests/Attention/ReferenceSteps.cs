using System.Text.Json;
using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Editing.Tests.Attention;

/// <summary>Reads step windows as the reference files write them.</summary>
internal static class ReferenceSteps
{
    /// <summary>A number is the end of a window, a pair its start and end.</summary>
    public static StepWindow Window(JsonElement json) => json.ValueKind == JsonValueKind.Array
        ? new StepWindow(json[0].GetDouble(), json[1].GetDouble())
        : StepWindow.Until(json.GetDouble());

    /// <summary>A window for all words, or an object of words and windows.</summary>
    public static CrossReplaceSteps Cross(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
            return new CrossReplaceSteps(Window(json));
        var words = json.EnumerateObject().Where(word => word.Name != "default_");
        return new CrossReplaceSteps(
            json.TryGetProperty("default_", out var all) ? Window(all) : StepWindow.Always,
            [.. words.Select(word => new WordWindow(word.Name, Window(word.Value)))]);
    }
}
