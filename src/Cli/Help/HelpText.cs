using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;

namespace PromptToPrompt.Cli.Help;

/// <summary>Prints the help of a command, its options and subcommands under the headings of their <see cref="HelpGroup"/>.</summary>
internal sealed class HelpText : SynchronousCommandLineAction
{
    private const int MaxWidth = 110;
    private const int MaxNameWidth = 32;
    private const string Indent = "  ";
    private const char NoBreak = '\u00A0';

    // Help must work on an incomplete command line.
    public override bool ClearsParseErrors => true;

    /// <summary>Makes all commands of a program print this help.</summary>
    public static RootCommand AddTo(RootCommand root)
    {
        foreach (var option in root.Options)
        {
            option.Group = HelpGroup.Help;
            if (option is HelpOption help)
            {
                help.Description = "Show help";
                help.Action = new HelpText();
            }
            else if (option is VersionOption)
            {
                option.Description = "Show the version";
            }
        }

        return root;
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parse)
    {
        var output = parse.InvocationConfiguration.Output;
        foreach (var line in Lines(parse.CommandResult.Command))
            output.WriteLine(line);
        return ExitCode.Done;
    }

    private static IEnumerable<string> Lines(Command command)
    {
        foreach (var line in Wrap(command.Description ?? "", MaxWidth))
            yield return line;
        yield return "";
        yield return "Usage:";
        yield return Indent + Usage(command);
        foreach (var line in Table("Arguments", command.Arguments.Where(argument => !argument.Hidden).Select(argument => (Label(argument), Describe(argument)))))
            yield return line;
        foreach (var group in command.Subcommands.Where(sub => !sub.Hidden).GroupBy(sub => sub.Group).OrderBy(group => group.Key))
        {
            foreach (var line in Table(group.Key.ToString(), group.Select(sub => (Label(sub), sub.Description ?? ""))))
                yield return line;
        }

        foreach (var group in OptionsOf(command).GroupBy(option => option.Group).OrderBy(group => group.Key))
        {
            foreach (var line in Table(group.Key.ToString(), group.Select(option => (Label(option), Describe(option)))))
                yield return line;
        }
    }

    // Its own options and inherited ones such as --help.
    private static IEnumerable<Option> OptionsOf(Command command) => command.Options
        .Concat(Above(command).Skip(1).SelectMany(parent => parent.Options).Where(option => option.Recursive))
        .Where(option => !option.Hidden);

    private static IEnumerable<Command> Above(Command command)
    {
        for (var here = command; here is not null; here = here.Parents.OfType<Command>().FirstOrDefault())
            yield return here;
    }

    private static string Usage(Command command)
    {
        string[] names = [.. Above(command).Select(here => here.Name).Reverse()];
        string[] rest = command.Subcommands.Count > 0 ? ["[command]", "[options]"] : ["[options]"];
        return string.Join(' ', [.. names, .. command.Arguments.Where(argument => !argument.Hidden).Select(Label), .. rest]);
    }

    private static string Label(Argument argument) =>
        $"{(argument.Arity.MinimumNumberOfValues == 0 ? $"[<{argument.Name}>]" : $"<{argument.Name}>")}{(argument.Arity.MaximumNumberOfValues > 1 ? "..." : "")}";

    private static string Label(Command command) => string.Join(' ', [command.Name, .. command.Arguments.Where(argument => !argument.Hidden).Select(Label)]);

    private static string Label(Option option)
    {
        var names = string.Join(", ", option.Aliases.Append(option.Name).Where(name => name.StartsWith('-')).OrderBy(name => name.Length));
        return option.HelpName is { } value ? $"{names} <{value}>" : names;
    }

    private static string Describe(Argument argument) => (argument.Description ?? "") + (argument.HasDefaultValue ? Default(argument.GetDefaultValue()) : "");

    private static string Describe(Option option) =>
        (option.Description ?? "") + (option.Required ? " (required)" : option.HasDefaultValue && option.ValueType != typeof(bool) ? Default(option.GetDefaultValue()) : "");

    private static string Default(object? value)
    {
        var text = value is Array ? "" : Convert.ToString(value, CultureInfo.InvariantCulture);
        return string.IsNullOrEmpty(text) ? "" : $" [default:{NoBreak}{text}]";
    }

    private static IEnumerable<string> Table(string heading, IEnumerable<(string Name, string Text)> entries)
    {
        var rows = entries.ToList();
        if (rows.Count == 0)
            yield break;
        yield return "";
        yield return $"{heading}:";
        var column = rows.Select(row => row.Name.Length).Where(length => length <= MaxNameWidth).DefaultIfEmpty(MaxNameWidth).Max();
        foreach (var (name, text) in rows)
        {
            var lines = Wrap(text, MaxWidth - Indent.Length - column - Indent.Length).ToList();
            // A long name gets its own line.
            if (name.Length > column)
            {
                yield return Indent + name;
                lines.Insert(0, "");
            }

            for (var i = name.Length > column ? 1 : 0; i < lines.Count; i++)
                yield return $"{Indent}{(i == 0 ? name : "").PadRight(column)}{Indent}{lines[i]}".TrimEnd();
        }
    }

    // Breaks a text between words; at least one line.
    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = "";
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.Replace(NoBreak, ' ');
                line = "";
            }

            line = line.Length == 0 ? word : $"{line} {word}";
        }

        yield return line.Replace(NoBreak, ' ');
    }
}
