using System.CommandLine;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Runs;

/// <summary>One axis of a grid: an option of the edit and the values it takes.</summary>
/// <param name="Option">Name of the option without dashes; empty for an axis with one place.</param>
/// <param name="Word">The word that an option such as <c>--weight</c> is for; null if the option takes the value alone.</param>
/// <param name="Values">The values, as on a command line.</param>
internal sealed record GridAxis(string Option, string? Word, IReadOnlyList<string> Values)
{
    /// <summary>The axis of a grid with a single row or column.</summary>
    public static GridAxis Single { get; } = new("", null, [""]);

    /// <summary>The notation of an axis.</summary>
    public const string Form = "OPTION=VALUE,VALUE… such as cross-steps=0,0.4,0.8, or OPTION:WORD=VALUE,VALUE… such as weight:red=0,1,2";

    /// <summary>Parses an axis. Values that contain commas are separated by semicolons.</summary>
    /// <exception cref="FormatException">The text has another form.</exception>
    public static GridAxis Parse(string text)
    {
        var parts = text.Split('=', 2);
        var name = parts[0].Split(':', 2);
        if (parts.Length < 2 || name.Any(string.IsNullOrWhiteSpace))
            throw new FormatException();
        var values = parts[1].Split(parts[1].Contains(';', StringComparison.Ordinal) ? ';' : ',', StringSplitOptions.TrimEntries);
        if (values.Any(value => value.Length == 0))
            throw new FormatException();
        return new GridAxis(name[0].Trim().TrimStart('-'), name.Length > 1 ? name[1].Trim() : null, values);
    }

    /// <summary>The axis as a command line has it at one place.</summary>
    public IEnumerable<string> Arguments(string value) => Option.Length == 0 ? [] : [Word is null ? $"--{Option}={value}" : $"--{Option}={Word}={value}"];

    /// <summary>A label for one place.</summary>
    public string Label(string value) => Option.Length == 0 ? "" : $"{Word ?? Option} {value}";

    /// <summary>Requires that the option can vary within a grid.</summary>
    /// <param name="name">The option that gives this axis.</param>
    /// <param name="varied">The options that can vary.</param>
    /// <param name="parse">The command line.</param>
    /// <exception cref="InvalidInputException">It cannot, or is also given outside the axis.</exception>
    public void Require(string name, IReadOnlyList<Option> varied, ParseResult parse)
    {
        if (Option.Length == 0)
            return;
        var option = varied.FirstOrDefault(known => known.Name == $"--{Option}") ?? throw new InvalidInputException(
            name, $"\"{Option}\" cannot vary in a grid.", $"Use {InvalidInputException.AnyOf([.. varied.Select(known => known.Name.TrimStart('-'))])}.");
        InvalidInputException.Require(
            option.Arity.MaximumNumberOfValues > 1 || parse.GetResult(option) is null or { Implicit: true }, name, $"{option.Name} is also given outside the grid.", "Leave it out.");
    }
}
