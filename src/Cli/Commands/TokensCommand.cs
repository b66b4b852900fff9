using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Tokenization;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p tokens</c>: how prompts are split.</summary>
internal static class TokensCommand
{
    public static Command Create(CancellationToken cancel)
    {
        var prompts = new Argument<string[]>("prompt") { Description = "Prompts; - reads one from each line of standard input", Arity = ArgumentArity.OneOrMore };
        var command = new Command("tokens", "Show how prompts are split into tokens and words") { prompts };
        var longPrompts = new LongPromptsOption();
        command.Add(longPrompts);
        var model = new ModelOptions().AddNameTo(command);
        var report = new ReportOptions().AddJsonTo(command);
        command.SetAction(parse =>
        {
            var tokenizer = model.LoadTokenizer(parse);
            foreach (var text in parse.GetValue(prompts)!.SelectMany(text => text == "-" ? InputLines() : [text]))
            {
                var prompt = longPrompts.Read(parse) ? tokenizer.TokenizeWindows(text, tokenizer.WindowsOf(text)) : tokenizer.Tokenize(text);
                cancel.ThrowIfCancellationRequested();
                if (report.Json(parse))
                    Console.Out.WriteLine(Json.Line(ToJson(prompt)));
                else
                    Print(tokenizer, prompt);
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<string> InputLines()
    {
        using var reader = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    private static JsonObject ToJson(TokenizedPrompt prompt) => new()
    {
        ["ids"] = Json.Array(prompt.Ids),
        ["tokens"] = Json.Array(prompt.Tokens),
        ["words"] = new JsonArray([.. prompt.Words.Select(word => new JsonObject { ["text"] = word.Text, ["tokens"] = Json.Array(word.Tokens) })]),
        ["truncated"] = Json.Array(prompt.Truncated),
    };

    private static void Print(ClipTokenizer tokenizer, TokenizedPrompt prompt)
    {
        var table = new Table().AddColumns("position", "id", "token", "word");
        for (var k = 0; k < prompt.Length; k++)
        {
            var word = prompt.Words.FirstOrDefault(word => word.Tokens.Contains(k))?.Text ?? "";
            table.AddRow(new Text($"{k}"), new Text($"{prompt.Ids[k]}"), new Text(prompt.Tokens[k]), new Text(word));
        }

        AnsiConsole.Write(table);
        Warnings.Truncated(prompt);
        Warnings.Unknown(tokenizer, prompt);
    }
}
