using System.CommandLine;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Grids;

namespace PromptToPrompt.Cli.Runs;

/// <summary>An axis of a grid on the command line: its setting is an option of the edit.</summary>
internal static class GridOption
{
    /// <summary>The notation of an axis.</summary>
    public const string Form = "OPTION=VALUE,VALUE… such as cross-steps=0,0.4,0.8, or OPTION:WORD=VALUE,VALUE… such as weight:red=0,1,2";

    private const string Weight = "weight", CrossSteps = "cross-steps", Concept = "concept";

    /// <summary>Parses an axis. The option may have its dashes.</summary>
    /// <exception cref="FormatException">The text has another form.</exception>
    public static GridAxis Parse(string text)
    {
        var axis = GridAxis.Parse(text);
        return axis with { Setting = axis.Setting.TrimStart('-') };
    }

    /// <summary>Whether the word of the axis must be in a target prompt.</summary>
    public static bool NamesWordOfTarget(this GridAxis axis) => axis is { Word: not null, Setting: Weight or CrossSteps };

    /// <summary>The axis as a command line has it at one place.</summary>
    public static IEnumerable<string> Arguments(this GridAxis axis, string value) =>
        axis.IsSingle ? [] : [axis.Word is null ? $"--{axis.Setting}={value}" : $"--{axis.Setting}={axis.Word}={value}"];

    /// <summary>Does the work of a cell. An error about the option that varies names the axis and its value there.</summary>
    /// <param name="axes">The axes, each with the option that gives it and its value at the cell.</param>
    /// <param name="work">The work.</param>
    public static T Named<T>(IReadOnlyList<(string Name, GridAxis Axis, string Value)> axes, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (InvalidInputException e) when (axes.FirstOrDefault(each => e.Setting is { } setting && each.Axis.Varies(setting)) is { Name: { } name } found)
        {
            throw new InvalidInputException($"{name} {found.Axis with { Values = [found.Value] }}", e.Problem, e.Advice, e);
        }
    }

    /// <summary>The name of a setting: its option, after the axis if it varies.</summary>
    /// <param name="setting">The setting's property.</param>
    /// <param name="axes">The axes, each with the option that gives it.</param>
    public static string NameOf(string setting, params IEnumerable<(string Name, GridAxis Axis)> axes) =>
        axes.Where(each => each.Axis.Varies(setting)).Select(each => $"{each.Name} {each.Axis.Setting}").FirstOrDefault() ?? OptionNames.Of(setting);

    private static bool Varies(this GridAxis axis, string setting) => $"--{axis.Setting}" == OptionNames.Of(setting);

    /// <summary>An error of the parser, which names the option first.</summary>
    public static InvalidInputException Error(string message) => message.Split(": ", 2) is [var option, var problem] && option.StartsWith("--", StringComparison.Ordinal) && !option.Contains(' ', StringComparison.Ordinal)
        ? new(option, problem, advice: null) : new(message);

    /// <summary>Requires that the option can vary within a grid.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="name">The option that gives this axis.</param>
    /// <param name="varied">The options that can vary.</param>
    /// <param name="parse">The command line.</param>
    /// <exception cref="InvalidInputException">It cannot, or is also given outside the axis.</exception>
    public static void Require(this GridAxis axis, string name, IReadOnlyList<Option> varied, ParseResult parse)
    {
        if (axis.IsSingle)
            return;
        var option = varied.FirstOrDefault(known => known.Name == $"--{axis.Setting}") ?? throw new InvalidInputException(
            name, $"\"{axis.Setting}\" cannot vary in a grid.", Suggestion.Advice(axis.Setting, [.. varied.Select(known => known.Name.TrimStart('-'))]));
        InvalidInputException.Require(axis.Word is null || axis.Setting is Weight or CrossSteps or Concept, name, $"\"{axis.Setting}\" is not for a single word.", $"Write {axis with { Word = null }}.");
        InvalidInputException.Require(
            axis.Setting != Weight || axis.Word is not null || axis.Values.All(value => value.Contains('=', StringComparison.Ordinal)), name, $"{axis} does not say which word has the weight.",
            "Write it like weight:red=0,1,2.");
        if (option.ValueType == typeof(bool) && axis.Values.FirstOrDefault(value => !bool.TryParse(value, out _)) is { } wrong)
            throw new InvalidInputException($"{name} {axis with { Values = [wrong] }}", $"\"{wrong}\" is not valid.", "Use true or false.");
        InvalidInputException.Require(
            option.Arity.MaximumNumberOfValues > 1 || !parse.IsGiven(option), name, $"{option.Name} is also given outside the grid.", "Leave it out.");
    }
}
