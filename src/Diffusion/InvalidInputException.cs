using System.Globalization;
using System.Numerics;

namespace PromptToPrompt.Diffusion;

/// <summary>
/// Input that the user can correct: a setting, a file or a prompt. The text says what is wrong, where, and what to do.
/// </summary>
/// <remarks>
/// A setting has the name of its property, such as <c>InnerSteps</c>, and other names elsewhere: an option of the command, a field of a JSON body,
/// a label of the page. So the setting's name is kept apart from the text, and the text names no other setting by an identifier.
/// <see cref="Describe"/> puts them together.
/// </remarks>
public sealed class InvalidInputException : Exception
{
    /// <summary>Creates an error that concerns no setting: the text names the file, the prompt or the word.</summary>
    /// <param name="problem">What is wrong, and what to do, in full sentences.</param>
    /// <param name="innerException">What caused it.</param>
    public InvalidInputException(string problem, Exception? innerException = null)
        : base(problem, innerException)
    {
        Problem = problem;
    }

    /// <summary>Creates an error that concerns a setting.</summary>
    /// <param name="setting">Name of the property, by <c>nameof</c>.</param>
    /// <param name="problem">What is wrong, a sentence.</param>
    /// <param name="advice">What to do, a sentence; null where the problem says it.</param>
    /// <param name="innerException">What caused it.</param>
    public InvalidInputException(string setting, string problem, string? advice, Exception? innerException = null)
        : base($"{setting}: {Join(problem, advice)}", innerException)
    {
        (Setting, Problem, Advice) = (setting, problem, advice);
    }

    /// <summary>Name of the property that the error concerns; null where it concerns a file, a prompt or nothing that can be named.</summary>
    public string? Setting { get; }

    /// <summary>What is wrong.</summary>
    public string Problem { get; }

    /// <summary>What to do; null where <see cref="Problem"/> says it.</summary>
    public string? Advice { get; }

    /// <summary>Problem and advice, without the setting's name.</summary>
    public string Text => Join(Problem, Advice);

    /// <summary>The message with the setting under another name.</summary>
    /// <param name="nameOf">Gives a property's name as the reader knows it, such as that of a command's option.</param>
    public string Describe(Func<string, string> nameOf)
    {
        ArgumentNullException.ThrowIfNull(nameOf);
        return Setting is null ? Message : $"{nameOf(Setting)}: {Text}";
    }

    /// <summary>Throws unless a condition holds.</summary>
    /// <exception cref="InvalidInputException">The condition does not hold.</exception>
    public static void Require(bool condition, string problem)
    {
        if (!condition)
            throw new InvalidInputException(problem);
    }

    /// <summary>Throws an error about a setting unless a condition holds.</summary>
    /// <exception cref="InvalidInputException">The condition does not hold.</exception>
    public static void Require(bool condition, string setting, string problem, string? advice = null)
    {
        if (!condition)
            throw new InvalidInputException(setting, problem, advice);
    }

    /// <summary>Throws unless a number lies between two bounds, both included. NaN lies nowhere.</summary>
    /// <exception cref="InvalidInputException">It lies outside.</exception>
    public static void RequireRange<T>(T value, T min, T max, string setting)
        where T : INumber<T>
    {
        if (!(value >= min && value <= max))
            throw new InvalidInputException(setting, Invariant($"{value} is out of range."), Invariant($"Use a number from {min} to {max}."));
    }

    /// <summary>Throws unless a number is finite.</summary>
    /// <exception cref="InvalidInputException">It is infinite or NaN.</exception>
    public static void RequireFinite(double value, string setting) =>
        Require(double.IsFinite(value), setting, Invariant($"{value} is not a finite number."));

    /// <summary>Reads the value of a setting, and names the setting in errors that do not name one.</summary>
    /// <exception cref="InvalidInputException">The value cannot be read.</exception>
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

    /// <summary>Alternatives as advice lists them: <c>crop, fit or pad</c>.</summary>
    public static string AnyOf(params IReadOnlyList<string> names) =>
        names.Count < 2 ? string.Concat(names) : $"{string.Join(", ", names.SkipLast(1))} or {names[^1]}";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Join(string problem, string? advice) =>
        string.IsNullOrEmpty(advice) ? problem : $"{(problem.EndsWith('.') ? problem : problem + ".")} {advice}";
}
