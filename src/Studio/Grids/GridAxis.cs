using System.Text.Json.Serialization;

namespace PromptToPrompt.Studio.Grids;

/// <summary>One axis of a grid: a setting and the values it takes. Notation: <c>crossSteps=0,0.4,0.8</c>, or <c>weight:red=0,1,2</c>.</summary>
/// <param name="Setting">Name of the setting; empty for an axis with one place.</param>
/// <param name="Word">The word that a setting such as a weight is for; null if the setting takes the value alone.</param>
/// <param name="Values">The values, as text.</param>
internal sealed record GridAxis(string Setting, string? Word, IReadOnlyList<string> Values)
{
    /// <summary>The axis of a grid with a single row or column.</summary>
    public static GridAxis Single { get; } = new("", null, [""]);

    /// <summary>Whether there is only one place.</summary>
    [JsonIgnore]
    public bool IsSingle => Setting.Length == 0;

    /// <summary>Parses an axis.</summary>
    /// <exception cref="FormatException">The text has another form.</exception>
    public static GridAxis Parse(string text)
    {
        var parts = text.Split('=', 2);
        var name = parts[0].Split(':', 2);
        if (parts.Length < 2 || name.Any(string.IsNullOrWhiteSpace))
            throw new FormatException();
        return new GridAxis(name[0].Trim(), name.Length > 1 ? name[1].Trim() : null, ParseValues(parts[1]));
    }

    /// <summary>Parses the values. Values that contain commas are separated by semicolons.</summary>
    /// <exception cref="FormatException">A value is empty.</exception>
    public static IReadOnlyList<string> ParseValues(string text)
    {
        var values = text.Split(text.Contains(';', StringComparison.Ordinal) ? ';' : ',', StringSplitOptions.TrimEntries);
        return values.Any(value => value.Length == 0) ? throw new FormatException() : values;
    }

    /// <summary>A label for one place.</summary>
    /// <param name="value">The value there.</param>
    /// <param name="name">What to call the setting; null for its name.</param>
    public string Label(string value, string? name = null) => IsSingle ? "" : $"{Word ?? name ?? Setting} {value}";

    /// <summary>The axis in its notation; empty for one place.</summary>
    public override string ToString() =>
        IsSingle ? "" : $"{Setting}{(Word is null ? "" : $":{Word}")}={string.Join(Values.Any(value => value.Contains(',', StringComparison.Ordinal)) ? ';' : ',', Values)}";
}
