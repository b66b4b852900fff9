using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Pages;

/// <summary>Labels of settings, for fields and errors.</summary>
internal static class Labels
{
    public const string CrossSteps = "Keep each word where it was";
    public const string SelfSteps = "Keep the shapes";
    public const string Blend = "Words whose region may change";
    public const string BlendThreshold = "Region threshold";
    public const string Negative = "Negative prompt";
    public const string Scheduler = "Scheduler";

    /// <summary>The label of a setting of the libraries, by the name of its property.</summary>
    public static string OfSetting(string setting) => OfField(FieldNames.Of(setting));

    /// <summary>The label of a recipe's field. The default is the words of its name: clipSkip is "Clip skip".</summary>
    public static string OfField(string field) => field switch
    {
        "blend" => Blend,
        "blendThreshold" => BlendThreshold,
        "crossSteps" => CrossSteps,
        "loras" => "LoRAs",
        "negative" => Negative,
        "scheduler" => Scheduler,
        "selfSteps" => SelfSteps,
        _ => string.Concat(field.Select((letter, k) => k == 0 ? $"{char.ToUpperInvariant(letter)}" : char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : $"{letter}")),
    };
}
