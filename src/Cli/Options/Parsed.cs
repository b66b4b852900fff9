using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Cli.Options;

/// <summary>Creates options whose errors name the option, the given value and what is expected.</summary>
internal static class Parsed
{
    /// <summary>An option with a number in invariant notation.</summary>
    public static Option<T> Number<T>(string name, string description, T standard)
        where T : struct, INumber<T>
    {
        var option = Of(name, description, NameOf<T>(), text => Read<T>(text) ?? throw new FormatException(), "number");
        option.DefaultValueFactory = _ => standard;
        return option;
    }

    /// <summary>The same without a default.</summary>
    public static Option<T?> OptionalNumber<T>(string name, string description)
        where T : struct, INumber<T> => Of<T?>(name, description, NameOf<T>(), text => Read<T>(text) ?? throw new FormatException(), "number");

    /// <summary>An option with a seed.</summary>
    public static Option<ulong> Seed(string name, string description, ulong standard)
    {
        var option = Of(name, description, SeedJson.Range, ReadSeed, "number");
        option.DefaultValueFactory = _ => standard;
        return option;
    }

    /// <summary>The same without a default.</summary>
    public static Option<ulong?> OptionalSeed(string name, string description) => Of<ulong?>(name, description, SeedJson.Range, text => ReadSeed(text), "number");

    /// <summary>An option with a format of its own.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">Its description.</param>
    /// <param name="wanted">What it takes, for errors.</param>
    /// <param name="read">Reads it; throws <see cref="FormatException"/> for invalid text.</param>
    /// <param name="helpName">Name of the value in help.</param>
    /// <param name="suggest">Gives the valid text that is meant by an invalid one, or null.</param>
    public static Option<T> Of<T>(string name, string description, string wanted, Func<string, T> read, string helpName = "value", Func<string, string?>? suggest = null) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            try
            {
                return read(text);
            }
            catch (FormatException)
            {
                result.AddError($"{name}: \"{text}\" is not valid. {Suggestion.Question(suggest?.Invoke(text))}Use {wanted}.");
                return default;
            }
        },
    };

    /// <summary>An option that takes one of a few words.</summary>
    public static Option<string> Choice(string name, string description, string standard, params string[] choices)
    {
        var option = Of(name, $"{description}: {string.Join(", ", choices)}", InvalidInputException.AnyOf(choices), text =>
            choices.FirstOrDefault(choice => choice.Equals(text, StringComparison.OrdinalIgnoreCase)) ?? throw new FormatException(), "name", text => Suggestion.For(text, choices));
        option.DefaultValueFactory = _ => standard;
        option.CompletionSources.Add(choices);
        return option;
    }

    /// <summary>Whether an option is on the command line. Otherwise it has its default.</summary>
    public static bool IsGiven(this ParseResult parse, Option option) => parse.GetResult(option) is { Implicit: false };

    /// <summary>Whether the command has an option of this name, and it is on the command line.</summary>
    public static bool IsGiven(this ParseResult parse, string name) => parse.CommandResult.Children.OfType<OptionResult>().Any(given => !given.Implicit && given.Option.Name == name);

    /// <summary>Adds an option's name to an error.</summary>
    public static T Named<T>(string name, Func<T> read) => InvalidInputException.Naming(name, read);

    private static ulong ReadSeed(string text) => SeedJson.TryParse(text, out var seed) ? seed : throw new FormatException();

    private static string NameOf<T>()
        where T : struct, INumber<T> => T.IsInteger(T.One / (T.One + T.One)) ? "a whole number" : "a number";

    private static T? Read<T>(string text)
        where T : struct, INumber<T> =>
        T.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value) && T.IsFinite(value)
            ? value
            : null;
}
