using System.CommandLine;

namespace PromptToPrompt.Cli.Tests.Options;

/// <summary>An empty path or name, as a shell makes of a variable that is not set, is one clear error for every option that takes one.</summary>
public sealed class BlankNamesTests
{
    private static readonly string[] Prose = ["prompt", "prompts", "source", "target", "--negative", "--sample"];

    public static TheoryData<string, string> Names()
    {
        var names = new TheoryData<string, string>();
        foreach (var (path, command) in Commands("", CommandLine.Create(CancellationToken.None)))
        {
            foreach (var symbol in command.Options.Where(option => IsText(option.ValueType)).Select(option => option.Name)
                .Concat(command.Arguments.Where(argument => IsText(argument.ValueType)).Select(argument => argument.Name))
                .Except(Prose))
                names.Add(path, symbol);
        }

        return names;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AnEmptyOneIsRefused(string path, string name)
    {
        var root = CommandLine.Create(CancellationToken.None);
        var command = Commands("", root).Single(found => found.Path == path).Command;
        foreach (var blank in new[] { "", " ", "\t" })
        {
            string[] arguments = [.. command.Arguments.Select(argument => argument.Name == name ? blank : "x")];
            string[] option = name.StartsWith('-') ? [name, blank] : [];
            string[] line = [.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. option, .. arguments];
            Assert.Contains(root.Parse(line).Errors, error => error.Message.Contains($"{name}: the value is empty", StringComparison.Ordinal));
        }
    }

    /// <summary>All that help calls a file, a folder or a name is among them.</summary>
    [Fact]
    public void NoneIsLeftOut()
    {
        var tested = Names().Select(row => row.Data.Item2).ToHashSet();
        foreach (var option in Commands("", CommandLine.Create(CancellationToken.None)).SelectMany(found => found.Command.Options))
        {
            string[] kinds = ["file", "dir", "folder", "path", "name"];
            if (kinds.Any(kind => option.HelpName?.Contains(kind, StringComparison.OrdinalIgnoreCase) == true))
                Assert.Contains(option.Name, tested);
        }

        Assert.Superset(new HashSet<string> { "--output", "--model", "--image", "--trace", "--init-latents", "--lora", "--embedding", "--mask", "image", "mask", "pictures", "model" }, tested);
    }

    [Theory]
    [InlineData("--output: the value is empty", "generate", "a cat", "-o", "")]
    [InlineData("--lora: \":0.5\" names no file", "generate", "a cat", "--lora", ":0.5")]
    [InlineData("--embedding: \"cat=\" names no file", "tokens", "a cat", "--embedding", "cat=")]
    public void ItIsOneLine(string expected, params string[] arguments) => Assert.Contains(expected, InProcess.Run(arguments).FailedWith(2));

    private static bool IsText(Type type) => type == typeof(string) || type == typeof(string[]);

    private static IEnumerable<(string Path, Command Command)> Commands(string path, Command command) =>
        command.Subcommands.SelectMany(sub => Commands($"{path} {sub.Name}", sub)).Prepend((path, command));
}
