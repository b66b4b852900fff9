using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Pages;

/// <summary>What the page calls settings, beside their fields and in errors.</summary>
internal static class Labels
{
    public const string CrossSteps = "Words look where they did";
    public const string SelfSteps = "Shapes and layout stay";
    public const string Blend = "Words whose place may change";
    public const string BlendThreshold = "Sharpness";
    public const string Negative = "What it should not show";
    public const string Scheduler = "Sampler";

    /// <summary>The label of a setting of the libraries, by the name of its property.</summary>
    public static string OfSetting(string setting) => OfField(FieldNames.Of(setting));

    /// <summary>The label of a recipe's field. What has no label of its own is called by the words of its name: clipSkip is "Clip skip".</summary>
    public static string OfField(string field) => field switch
    {
        "blend" => Blend,
        "blendThreshold" => BlendThreshold,
        "crossSteps" => CrossSteps,
        "negative" => Negative,
        "scheduler" => Scheduler,
        "selfSteps" => SelfSteps,
        _ => string.Concat(field.Select((letter, k) => k == 0 ? $"{char.ToUpperInvariant(letter)}" : char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : $"{letter}")),
    };
}
