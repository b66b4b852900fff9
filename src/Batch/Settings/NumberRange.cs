using System.Globalization;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Settings;

/// <summary>A number, or a range from which each sample draws one.</summary>
/// <param name="Min">Smallest value.</param>
/// <param name="Max">Largest value; equal to <paramref name="Min"/> for a fixed number.</param>
internal readonly record struct NumberRange(double Min, double Max)
{
    private const string Between = "..";

    /// <summary>The notation, for messages.</summary>
    public const string Form = "a number such as 7.5, or a range from the smaller to the larger one, such as 7.5..15";

    /// <summary>Parses <c>7.5</c> or <c>7.5..15</c>.</summary>
    /// <exception cref="InvalidInputException">The text is neither, or the range is empty.</exception>
    public static NumberRange Parse(string text)
    {
        var ends = text.Split(Between);
        if (ends.Length is 1 or 2 && TryParse(ends[0], out var min) && TryParse(ends[^1], out var max) && min <= max)
            return new(min, max);
        throw new InvalidInputException($"\"{text}\" is not valid. Use {Form}.");
    }

    /// <summary>The range as text.</summary>
    public static string Write(string min, string max) => min + Between + max;

    /// <summary>The number at a place of the range.</summary>
    /// <param name="place">From 0 up to, but not including, 1: uniform places give uniform numbers.</param>
    public double At(double place) => Min == Max ? Min : Min + ((Max - Min) * place);

    /// <summary>The same for whole numbers, with both ends included.</summary>
    public double WholeAt(double place) => Math.Min(Max, Min + Math.Floor((Max - Min + 1) * place));

    private static bool TryParse(string text, out double value) =>
        double.TryParse(text.Trim(), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
}
