using System.Globalization;
using System.Text.RegularExpressions;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Filters;

/// <summary>A bound of a measure, such as <c>clip_image>=0.7</c>.</summary>
/// <param name="Measure">Name of the measure.</param>
/// <param name="Comparison">How the measure is compared with the bound.</param>
/// <param name="Bound">The bound.</param>
internal sealed partial record KeepRule(string Measure, string Comparison, double Bound)
{
    /// <summary>Both similarities of an image and its caption; a rule holds for each.</summary>
    public const string ClipText = "clip_text";

    /// <summary>The measures of CLIP.</summary>
    public static readonly IReadOnlyList<string> OfClip = ["clip_image", ClipText, "clip_direction"];

    /// <summary>The measure of DINO.</summary>
    public const string OfDino = "structure";

    /// <summary>The measures of pixels, which need no model.</summary>
    public static readonly IReadOnlyList<string> OfPixels = ["psnr", "mse", "ssim"];

    /// <summary>Parses a rule.</summary>
    /// <exception cref="InvalidInputException">The text is no rule, or its measure is unknown.</exception>
    public static KeepRule Parse(string text)
    {
        var parts = Form().Match(text);
        InvalidInputException.Require(
            parts.Success && double.TryParse(parts.Groups["bound"].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var bound) && double.IsFinite(bound), $"\"{text}\" is not valid. Write a measure and its bound, such as clip_image>=0.7.");
        var measure = parts.Groups["measure"].Value;
        IReadOnlyList<string> known = [.. OfClip, OfDino, .. OfPixels];
        InvalidInputException.Require(known.Contains(measure), $"\"{measure}\" is unknown. {Suggestion.Advice(measure, known)}");
        return new(measure, parts.Groups["comparison"].Value, double.Parse(parts.Groups["bound"].Value, CultureInfo.InvariantCulture));
    }

    /// <summary>Whether scores satisfy the rule.</summary>
    public bool Holds(IReadOnlyDictionary<string, double> scores) => Measure == ClipText
        ? Holds(scores["clip_text_source"]) && Holds(scores["clip_text_target"]) : Holds(scores[Measure]);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Measure}{Comparison}{Bound}");

    private bool Holds(double score) => Comparison switch
    {
        ">=" => score >= Bound,
        ">" => score > Bound,
        "<=" => score <= Bound,
        _ => score < Bound,
    };

    [GeneratedRegex(@"^\s*(?<measure>\w+)\s*(?<comparison>>=|<=|>|<)\s*(?<bound>\S+)\s*$")]
    private static partial Regex Form();
}
