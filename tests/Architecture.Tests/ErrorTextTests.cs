using System.CommandLine;
using System.Text.RegularExpressions;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Lab;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Architecture.Tests;

public sealed partial class ErrorTextTests
{
    // It writes commands for people to run.
    private const string WritesCommands = "PromptToPrompt.Studio.Recipes.CommandLineText";

    // Its settings are the fields of the JSON that it reads.
    private const string ReadsFields = "JsonBody`1";

    // Only programs can change it.
    private static readonly string[] OfPrograms = ["WeightDecay"];

    // What HTTP requests name beside recipes.
    private static readonly string[] OfRequests = ["Columns", "Name", "Parent", "Rows", "Side", "Variant", "Version", "Versions"];

    // The command decides it when it starts the studio.
    private static readonly string[] OfServer = ["Data"];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void ALibraryNamesNoOptionAndNoCommand(string library)
    {
        string[] found =
        [
            .. from literal in ErrorTexts.Literals(library)
               where literal.Type != WritesCommands && !IsStyle(literal.Text) && CommandLineWords().IsMatch(literal.Text)
               select $"{literal.Type}: {literal.Text}",
        ];
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    [Fact]
    public void EverySettingOfAnErrorIsAnOptionOrAnArgumentOfACommand()
    {
        Command[] commands = [.. Commands(CommandLine.Create(default)), .. Commands(LabCommands.Create(default))];
        var names = commands.SelectMany(command => command.Options.Select(option => option.Name).Concat(command.Arguments.Select(argument => argument.Name))).ToHashSet();
        var settings = ErrorTexts.Settings(Layers.Libraries);
        Assert.Contains(settings, found => found.Setting == "Vectors");
        string[] unknown =
        [
            .. from found in settings
               where !found.Method.Contains(ReadsFields, StringComparison.Ordinal) && (found.Setting is null || (!OfPrograms.Concat(OfRequests).Contains(found.Setting) && !commands.Any(command => names.Contains(OptionNames.Of(found.Setting, command)))))
               select $"{found.Method}: {found.Setting ?? "no constant"}",
        ];
        Assert.True(unknown.Length == 0, string.Join('\n', unknown));
    }

    [Fact]
    public void EverySettingOfAnErrorOfTheStudioIsAFieldOfARecipe()
    {
        var fields = typeof(Recipe).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(Recipe)))
            .SelectMany(type => type.GetProperties()).Select(property => FieldNames.Of(property.Name)).ToHashSet();
        string[] unknown =
        [
            .. from found in ErrorTexts.Settings(Layers.Studio)
               where !found.Method.Contains(ReadsFields, StringComparison.Ordinal) && (found.Setting is null || (!OfRequests.Concat(OfServer).Contains(found.Setting) && !fields.Contains(FieldNames.Of(found.Setting))))
               select $"{found.Method}: {found.Setting ?? "no constant"}",
        ];
        Assert.True(unknown.Length == 0, string.Join('\n', unknown));
    }

    [Fact]
    public void SettingsAreFoundHoweverTheyArePassed() =>
        Assert.Equal(
            [null, "Conditional", "Named", "Passed", "Plain", "Steps"],
            ErrorTexts.Settings(typeof(ErrorTextTests).Assembly.GetName().Name!).Select(found => found.Setting).Order(StringComparer.Ordinal));

    public static TheoryData<string> Libraries() => [.. Layers.Libraries];

    // These are only read.
    internal static void Throws(int steps, string? text, string[] several)
    {
        Diffusion.InvalidInputException.RequireRange(steps, 1, 2, "Steps");
        Diffusion.InvalidInputException.Require(steps > 0 && text is not null, "Plain", $"{text ?? "nothing"} is wrong.");
        _ = Diffusion.InvalidInputException.Naming("Named", () => steps);
        Passes(steps > 1 ? "a" : "b", "Passed");
        Diffusion.InvalidInputException.Require(false, several[0], "This is no constant.");
        throw new Diffusion.InvalidInputException("Conditional", steps > 1 ? $"{steps} is much." : "It is little.", text);
    }

    private static void Passes(string word, string setting) => throw new Diffusion.InvalidInputException(setting, word, advice: null);

    private static IEnumerable<Command> Commands(Command command) => command.Subcommands.SelectMany(Commands).Prepend(command);

    // Custom properties of style sheets begin with the same signs.
    private static bool IsStyle(string text) => StyleProperty().IsMatch(text);

    [GeneratedRegex(@"--[a-z]|\bp2p ")]
    private static partial Regex CommandLineWords();

    [GeneratedRegex("--[a-z]+:")]
    private static partial Regex StyleProperty();
}
