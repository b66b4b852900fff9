using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using PromptToPrompt.Cli.Commands;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Printing;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Native.Numerics;

namespace PromptToPrompt.Cli;

/// <summary>Runs the commands of a program: an error is one line on standard error and an exit code.</summary>
/// <param name="root">The commands.</param>
/// <param name="name">Name of the program, for messages.</param>
internal sealed class CommandLine(RootCommand root, string name = "p2p")
{
    /// <summary>Parser settings. A prompt may begin with "@", so response files are off.</summary>
    public static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    /// <summary>Commands are synchronous and stop by their own token, so there is no termination timeout; this class reports their errors.</summary>
    public static InvocationConfiguration Invoking { get; } = new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };

    /// <summary>Runs a command.</summary>
    /// <param name="args">Its name and arguments.</param>
    public int Run(string[] args)
    {
        if (!HasWorkingFolder())
            return Fail(ExitCode.WrongInput, "The current directory no longer exists. Change to another one.");
        var parse = root.Parse(args, Parsing);
        if (parse.Errors.Count > 0 && parse.Action is ParseErrorAction)
            return Fail(ExitCode.WrongInput, $"{Problem(parse)} See \"{PathOf(parse)} --help\".");
        if (StrayOption(parse) is { } stray)
        {
            return Fail(
                ExitCode.WrongInput,
                $"There is no option \"{stray}\".{Meant(stray, parse.CommandResult.Command)} See \"{PathOf(parse)} --help\". Put -- before a prompt that begins with a dash.");
        }

        try
        {
            return Delivered(parse, parse.Invoke(Invoking));
        }
        catch (OperationCanceledException)
        {
            return Fail(ExitCode.Interrupted, "Stopped.");
        }
        catch (Exception e)
        {
            return Fail(e is InvalidInputException ? ExitCode.WrongInput : ExitCode.Failed, Describe(e, parse));
        }
    }

    /// <summary>An error in one line.</summary>
    internal static string Describe(Exception problem, ParseResult parse) => problem switch
    {
        InvalidInputException input => input.Describe(setting => OptionNames.Of(setting, parse.CommandResult.Command)),
        LibTorchLoadException or WrongNumericsException or IOException or UnauthorizedAccessException => problem.Message,
        // libtorch puts a stack trace behind its first line.
        _ => $"{problem.GetType().Name}: {problem.Message.Split('\n')[0]}",
    };

    private static bool HasWorkingFolder()
    {
        try
        {
            return Directory.GetCurrentDirectory().Length > 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The commands of p2p.</summary>
    internal static RootCommand Create(CancellationToken cancellationToken, Repetition? repeats = null) => BlankNames.Refuse(HelpText.AddTo(new RootCommand("Edit images by editing their prompts (Prompt-to-Prompt on Stable Diffusion).")
    {
        GenerateCommand.Create(cancellationToken, repeats),
        EditCommand.Create(cancellationToken, repeats),
        GridCommand.Create(cancellationToken, repeats),
        BatchCommand.Create(cancellationToken),
        InvertCommand.Create(cancellationToken, repeats),
        InpaintCommand.Create(cancellationToken, repeats),
        AttentionCommand.Create(cancellationToken, repeats),
        RunCommand.Create(repetition => Create(cancellationToken, repetition)),
        InfoCommand.Create(),
        MetricsCommand.Create(),
        TokensCommand.Create(cancellationToken),
        AlignCommand.Create(),
        LearnConceptCommand.Create(cancellationToken),
        ModelsCommand.Create(cancellationToken),
        ServeCommand.Create(cancellationToken),
        CoordinatorCommand.Create(cancellationToken),
        WorkerCommand.Create(cancellationToken),
        RunsCommand.Create(cancellationToken),
        DoctorCommand.Create(),
    }));

    private static string Problem(ParseResult parse)
    {
        var (command, error) = (parse.CommandResult.Command, parse.Errors[0].Message);
        var unmatched = parse.UnmatchedTokens.FirstOrDefault();
        // For a mistyped command, the parser's first error is that a command is missing.
        if (unmatched is not null && command.Subcommands.Count > 0)
            return $"There is no command or option \"{unmatched}\".{Meant(unmatched, command)}";
        if (unmatched is not null && error.Contains($"'{unmatched}'", StringComparison.Ordinal))
        {
            return unmatched.StartsWith('-')
                ? $"There is no option \"{unmatched}\".{Meant(unmatched, command)}"
                : $"\"{unmatched}\" is an extra argument. Put prompts of several words in quotes.";
        }

        return command.Subcommands.Count > 0 && command.Action is null
            ? $"Give a command: {string.Join(", ", command.Subcommands.Select(sub => sub.Name))}."
            : error;
    }

    // Where a command accepts any number of prompts, the parser takes a mistyped option for a prompt.
    private static string? StrayOption(ParseResult parse) => parse.Tokens.Any(token => token.Type == TokenType.DoubleDash) ? null
        : parse.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value)
            .FirstOrDefault(value => value.Length > 2 && value.StartsWith("--", StringComparison.Ordinal) && !value.Contains(' ', StringComparison.Ordinal));

    // A text with dashes means an option, one without a command.
    private static string Meant(string text, Command command)
    {
        var names = command.Subcommands.Concat<Symbol>(command.Options).Where(symbol => !symbol.Hidden && symbol.Name.StartsWith('-') == text.StartsWith('-')).ToLookup(symbol => symbol.Name.TrimStart('-'), symbol => symbol.Name);
        var nearest = Suggestion.For(text.TrimStart('-'), names.Select(name => name.Key));
        return nearest is null ? "" : $" {Suggestion.Question(names[nearest].First()).TrimEnd()}";
    }

    private string PathOf(ParseResult parse)
    {
        var names = new Stack<string>();
        for (SymbolResult? command = parse.CommandResult; command is CommandResult { Command: not RootCommand } named; command = command.Parent)
            names.Push(named.Command.Name);
        return string.Join(' ', names.Prepend(name));
    }

    // A requested report that cannot be printed is a failure, although the files of the run are complete.
    private int Delivered(ParseResult parse, int code)
    {
        if (code != ExitCode.Done || StandardStreams.Out.Problem is not { } problem)
            return code;
        var reason = $"standard output cannot be written ({problem.Message})";
        if (IsForPrinting(parse))
            return Fail(ExitCode.Failed, $"The result could not be printed: {reason}. Redirect standard output to a writable file or pipe.");
        Console.Error.WriteLine($"warning: the summary could not be printed: {reason}. All files are written.");
        return code;
    }

    // Commands without --quiet produce only a report.
    private static bool IsForPrinting(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        return parse.Action is HelpText || command is RootCommand || (Has("--json") && (!Has("--quiet") || parse.GetValue<bool>("--json")));

        bool Has(string option) => command.Options.Any(known => known.Name == option);
    }

    private int Fail(int code, string message)
    {
        Console.Error.WriteLine($"{name}: {message}");
        return code;
    }
}
