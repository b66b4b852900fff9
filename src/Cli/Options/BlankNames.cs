using System.CommandLine;
using System.CommandLine.Parsing;

namespace PromptToPrompt.Cli.Options;

/// <summary>Refuses empty names and paths, the result of an unset shell variable.</summary>
internal static class BlankNames
{
    // Prompts may be empty. Any other text is a name or a path.
    private static readonly HashSet<string> Prose = ["prompt", "prompts", "source", "target", "--negative", "--sample"];

    /// <summary>Adds the check to every option and argument of a command and its subcommands.</summary>
    public static T Refuse<T>(T command)
        where T : Command
    {
        foreach (var option in command.Options.Where(option => IsName(option.Name, option.ValueType)))
            option.Validators.Add(result => Check(option.Name, result));
        foreach (var argument in command.Arguments.Where(argument => IsName(argument.Name, argument.ValueType)))
            argument.Validators.Add(result => Check(argument.Name, result));
        foreach (var subcommand in command.Subcommands)
            Refuse(subcommand);
        return command;
    }

    private static bool IsName(string name, Type type) => (type == typeof(string) || type == typeof(string[])) && !Prose.Contains(name);

    private static void Check(string name, SymbolResult result)
    {
        if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
            result.AddError($"{name}: the value is empty. {(name.StartsWith('-') ? "Give one, or leave the option out." : "Give one.")}");
    }
}
