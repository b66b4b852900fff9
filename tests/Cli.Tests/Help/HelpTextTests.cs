using System.CommandLine;
using System.Text.RegularExpressions;

namespace PromptToPrompt.Cli.Tests.Help;

public sealed class HelpTextTests
{
    private const int MaxWidth = 120;

    public static TheoryData<string> AllCommands() => [.. Commands("", CommandLine.Create(CancellationToken.None)).Select(found => found.Path)];

    [Theory]
    [MemberData(nameof(AllCommands))]
    public void EveryVisibleOptionAndSubcommandIsShownOnce(string path)
    {
        var command = Commands("", CommandLine.Create(CancellationToken.None)).Single(found => found.Path == path).Command;
        var lines = Help(path);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, MaxWidth));
        foreach (var option in command.Options)
            Assert.Equal(option.Hidden ? 0 : 1, lines.Count(line => Regex.IsMatch(line, $@"^  (-[?\w], )*{Regex.Escape(option.Name)}( |$)")));
        foreach (var sub in command.Subcommands)
            Assert.Single(lines, line => Regex.IsMatch(line, $"^  {Regex.Escape(sub.Name)} "));
        Assert.Single(lines, line => line.Contains("--help", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "Images", "Prompts", "Models", "Runs", "Cluster", "System", "Help")]
    [InlineData("edit", "Edit", "Blend", "Methods", "Inversion", "Sampling", "Model", "Output", "Experiments", "Help")]
    [InlineData("generate", "Sampling", "Model", "Output", "Help")]
    [InlineData("inpaint", "Options", "Sampling", "Model", "Output", "Help")]
    [InlineData("invert", "Inversion", "Sampling", "Model", "Output", "Experiments", "Help")]
    [InlineData("attention", "Sampling", "Model", "Output", "Help")]
    public void OptionsAndCommandsAreGrouped(string path, params string[] headings) =>
        Assert.Equal(headings, Help(path).Where(line => line.EndsWith(':') && !line.StartsWith(' ')).Select(line => line[..^1]).Except(["Usage", "Arguments"]));

    [Theory]
    [InlineData("--edit-seed")]
    [InlineData("--gamma")]
    public void ExperimentsAreApart(string option)
    {
        var lines = Help("edit");
        Assert.True(lines.FindIndex(line => line.StartsWith($"  {option} ", StringComparison.Ordinal)) > lines.IndexOf("Experiments:"));
    }

    [Theory]
    [InlineData("edit")]
    [InlineData("grid")]
    public void TheDefaultMethodIsPromptToPrompt(string path)
    {
        var lines = Help(path);
        var text = string.Join(' ', lines.Skip(lines.FindIndex(line => line.StartsWith("  --method ", StringComparison.Ordinal))).TakeWhile((line, i) => i == 0 || line.StartsWith("    ", StringComparison.Ordinal)).Select(line => line.Trim()));
        Assert.EndsWith("Without an inversion method, --image is inverted by the one that suits the edit, null-text for p2p [default: p2p]", text, StringComparison.Ordinal);
    }

    private static List<string> Help(string path)
    {
        using var output = new StringWriter();
        var parse = CommandLine.Create(CancellationToken.None).Parse([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"], CommandLine.Parsing);
        Assert.Equal(0, parse.Invoke(new InvocationConfiguration { Output = output }));
        return [.. output.ToString().ReplaceLineEndings("\n").Split('\n')];
    }

    private static IEnumerable<(string Path, Command Command)> Commands(string path, Command command) =>
        command.Subcommands.SelectMany(sub => Commands($"{path} {sub.Name}".Trim(), sub)).Prepend((path, command));
}
