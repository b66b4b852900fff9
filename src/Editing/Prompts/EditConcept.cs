using System.Globalization;
using PromptToPrompt.Diffusion;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.Prompts;

/// <summary>A thing or property that an edit adds to an image or removes from it.</summary>
/// <param name="Text">Its words, such as <c>sunglasses</c>.</param>
/// <param name="IsRemoved">Whether the edit removes it.</param>
public sealed record EditConcept(string Text, bool IsRemoved = false)
{
    /// <summary>Maximum of <see cref="Scale"/>.</summary>
    public const double MaxScale = 100;

    private const string Notation = "[-]WORDS[=SCALE][@STEPS], for example sunglasses, -tree or \"red hat=8@0.1..0.8\"";

    /// <summary>How strongly it acts, 0 to <see cref="MaxScale"/>; null for the method's scale.</summary>
    public double? Scale { get; init; }

    /// <summary>Part of the edited steps before it acts, 0 to 1; null for the method's warm-up.</summary>
    public double? WarmUp { get; init; }

    /// <summary>Part of the edited steps after which it no longer acts, 0 to 1; null for all.</summary>
    public double? CoolDown { get; init; }

    /// <summary>The quantile of its mask, 0 to 1; null for the method's.</summary>
    public double? MaskQuantile { get; init; }

    /// <summary>
    /// Parses <c>[-]WORDS[=SCALE][@STEPS]</c>: <c>-</c> removes, and the steps are a range from warm-up to cool-down such as <c>0.1..0.8</c>, or <c>0.8</c> from the first.
    /// </summary>
    /// <exception cref="InvalidInputException">The text has another form, or a number is out of range.</exception>
    public static EditConcept Parse(string text)
    {
        var isRemoved = text.TrimStart().StartsWith('-');
        var (rest, steps) = Split(isRemoved ? text.TrimStart()[1..] : text, '@');
        var (words, scale) = Split(rest, '=');
        var from = steps?.Split("..", 2) ?? [];
        var concept = new EditConcept(words.Trim(), isRemoved)
        {
            Scale = scale is null ? null : Number(scale),
            WarmUp = from.Length == 0 ? null : from.Length == 1 ? 0 : Number(from[0]),
            CoolDown = from.Length == 0 ? null : Number(from[^1]),
        };
        concept.Validate();
        return concept;

        double Number(string number) => WordWeight.TryParseWeight(number, out var value) ? Math.Round(value, 6) : throw NotOne();

        InvalidInputException NotOne() => new($"\"{text}\" is not a concept. Write {Notation}.");
    }

    /// <summary>Checks the words and numbers.</summary>
    /// <exception cref="InvalidInputException">There is no word, or a number is out of range.</exception>
    public void Validate()
    {
        Require(Text.Trim().Length > 0, $"A concept has no words. Write {Notation}.");
        Require(Scale is null or (>= 0 and <= MaxScale), $"The scale of the concept \"{Text}\" is out of range. Use a number from 0 to {MaxScale}; write -{Text} to remove it.");
        Require(IsShare(WarmUp) && IsShare(CoolDown) && (WarmUp ?? 0) <= (CoolDown ?? 1), $"The steps of the concept \"{Text}\" are not a valid range. Use numbers from 0 to 1, the smaller first.");
        Require(IsShare(MaskQuantile), $"The mask quantile of the concept \"{Text}\" is out of range. Use a number from 0 to 1.");

        static bool IsShare(double? value) => value is null or (>= 0 and <= 1);
    }

    /// <summary>The concept in the format of <see cref="Parse"/>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(IsRemoved ? "-" : "")}{Text}{(Scale is { } scale ? $"={scale}" : "")}{(WarmUp is null && CoolDown is null ? "" : $"@{WarmUp ?? 0}..{CoolDown ?? 1}")}");

    private static (string Before, string? After) Split(string text, char mark) =>
        text.LastIndexOf(mark) is var at && at < 0 ? (text, null) : (text[..at], text[(at + 1)..]);
}
