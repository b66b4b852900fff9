using System.Globalization;
using System.Numerics;

namespace PromptToPrompt.Diffusion;

/// <summary>
/// An error in user input: a setting, a file or a prompt. The text states what is wrong, where, and what to do.
/// </summary>
/// <remarks>
/// A setting is named by its property, such as <c>InnerSteps</c>. It has other names elsewhere: a command-line option, a JSON field or a
/// label on the page. The setting's name is therefore separate from the text, and the text does not mention other settings by identifier.
/// <see cref="Describe"/> combines the two.
/// </remarks>
public sealed class InvalidInputException : Exception
{
    /// <summary>Creates an error that does not concern a setting: the text names the file, the prompt or the word.</summary>
    /// <param name="problem">The problem and the advice, in full sentences.</param>
    /// <param name="innerException">The cause.</param>
    public InvalidInputException(string problem, Exception? innerException = null)
        : base(problem, innerException)
    {
        Problem = problem;
    }

    /// <summary>Creates an error that concerns a setting.</summary>
    /// <param name="setting">Name of the property, from <c>nameof</c>.</param>
    /// <param name="problem">The problem, a sentence.</param>
    /// <param name="advice">The advice, a sentence; null if the problem includes it.</param>
    /// <param name="innerException">The cause.</param>
    public InvalidInputException(string setting, string problem, string? advice, Exception? innerException = null)
        : base($"{setting}: {Join(problem, advice)}", innerException)
    {
        (Setting, Problem, Advice) = (setting, problem, advice);
    }

    /// <summary>Name of the affected property; null if the error does not concern a setting.</summary>
    public string? Setting { get; }

    /// <summary>The problem.</summary>
    public string Problem { get; }

    /// <summary>The advice; null if <see cref="Problem"/> includes it.</summary>
    public string? Advice { get; }

    /// <summary>Problem and advice, without the setting's name.</summary>
    public string Text => Join(Problem, Advice);

    /// <summary>The message with another name for the setting.</summary>
    /// <param name="nameOf">Maps a property's name to the name that the reader knows, such as a command-line option.</param>
    public string Describe(Func<string, string> nameOf)
    {
        ArgumentNullException.ThrowIfNull(nameOf);
        return Setting is null ? Message : $"{nameOf(Setting)}: {Text}";
    }

    /// <summary>Throws unless a condition is true.</summary>
    /// <exception cref="InvalidInputException">The condition is false.</exception>
    public static void Require(bool condition, string problem)
    {
        if (!condition)
            throw new InvalidInputException(problem);
    }

    /// <summary>Throws an error about a setting unless a condition is true.</summary>
    /// <exception cref="InvalidInputException">The condition is false.</exception>
    public static void Require(bool condition, string setting, string problem, string? advice = null)
    {
        if (!condition)
            throw new InvalidInputException(setting, problem, advice);
    }

    /// <summary>Throws unless a number is between two inclusive bounds. NaN is out of range.</summary>
    /// <exception cref="InvalidInputException">The number is out of range.</exception>
    public static void RequireRange<T>(T value, T min, T max, string setting)
        where T : INumber<T>
    {
        if (!(value >= min && value <= max))
            throw new InvalidInputException(setting, Invariant($"{value} is out of range."), Invariant($"Use a number from {min} to {max}."));
    }

    /// <summary>Throws that a number is out of range unless a condition holds.</summary>
    /// <exception cref="InvalidInputException">The condition does not hold.</exception>
    internal static void RequireRange(bool holds, double value, string setting, string advice) =>
        Require(holds, setting, Invariant($"{value} is out of range."), advice);

    /// <summary>Parses the value of a setting, and adds the setting's name to errors without one.</summary>
    /// <exception cref="InvalidInputException">The value is invalid.</exception>
    public static T Naming<T>(string setting, Func<T> read)
    {
        ArgumentNullException.ThrowIfNull(read);
        try
        {
            return read();
        }
        catch (InvalidInputException e) when (e.Setting is null)
        {
            throw new InvalidInputException(setting, e.Problem, e.Advice, e);
        }
    }

    /// <summary>Formats alternatives for advice: <c>crop, fit or pad</c>.</summary>
    public static string AnyOf(params IReadOnlyList<string> names) =>
        names.Count < 2 ? string.Concat(names) : $"{string.Join(", ", names.SkipLast(1))} or {names[^1]}";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Join(string problem, string? advice) =>
        string.IsNullOrEmpty(advice) ? problem : $"{(problem.EndsWith('.') ? problem : problem + ".")} {advice}";
}
