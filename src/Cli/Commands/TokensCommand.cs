using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Printing;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p tokens</c>: shows how prompts are split into tokens.</summary>
internal static class TokensCommand
{
    public static Command Create(CancellationToken cancellationToken)
    {
        var prompts = new Argument<string[]>("prompt") { Description = "Prompts; - reads one prompt per line from standard input", Arity = ArgumentArity.OneOrMore };
        var command = new Command("tokens", "Show how prompts are split into tokens and words") { prompts }.In(HelpGroup.Prompts);
        var longPrompts = new LongPromptsOption();
        command.Add(longPrompts);
        var model = new ModelOptions().AddNameTo(command);
        var report = new ReportOptions().AddJsonTo(command);
        command.SetAction(parse =>
        {
            var tokenizer = model.LoadTokenizer(parse);
            foreach (var text in parse.GetValue(prompts)!.SelectMany(text => text == "-" ? InputLines() : [text]))
            {
                cancellationToken.ThrowIfCancellationRequested();
                // As in a run, without the weight notation.
                var prompt = PromptReading.Read(tokenizer, text, longPrompts.Chunks(parse, tokenizer, text));
                if (report.Json(parse))
                    Console.Out.WriteLine(Json.Line(ToJson(prompt, ForeignNotation.Find(text))));
                else
                    Print(model.Directory(parse), tokenizer, prompt, text);
                // Standard input may be endless.
                if (StandardStreams.Out.IsBroken)
                    break;
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

    private static JsonObject ToJson(TokenizedPrompt prompt, IReadOnlyList<ForeignNotation> notation) => new()
    {
        ["ids"] = Json.Array(prompt.Ids),
        ["tokens"] = Json.Array(prompt.Tokens),
        ["words"] = new JsonArray([.. prompt.Words.Select(word => new JsonObject
        {
            ["text"] = word.Text,
            ["tokens"] = Json.Array(word.Tokens),
            ["weight"] = WeightOf(prompt, word),
        })]),
        ["truncated"] = Json.Array(prompt.Truncated),
        ["text"] = prompt.Text,
        ["notes"] = new JsonArray([.. notation.Select(found => new JsonObject
        {
            ["kind"] = JsonNamingPolicy.CamelCase.ConvertName(found.Kind.ToString()),
            ["text"] = found.Text,
            ["start"] = found.Start,
            ["note"] = found.Message,
        })]),
    };

    private static float WeightOf(TokenizedPrompt prompt, PromptWord word) => prompt.Emphasis is { } emphasis ? emphasis[word.BareTokens[0]] : 1;

    private static void Print(string model, ClipTokenizer tokenizer, TokenizedPrompt prompt, string written)
    {
        var table = new Table().AddColumns("position", "id", "token", "word");
        if (prompt.Emphasis is not null)
            table.AddColumn("weight");
        for (var k = 0; k < prompt.Length; k++)
        {
            var word = prompt.Words.FirstOrDefault(word => word.Tokens.Contains(k))?.Text ?? "";
            string[] row = [$"{k}", $"{prompt.Ids[k]}", Printable.Cell(prompt.Tokens[k]), Printable.Cell(word)];
            string[] weight = prompt.Emphasis is { } emphasis ? [word.Length > 0 ? emphasis[k].ToString(CultureInfo.InvariantCulture) : ""] : [];
            table.AddRow([.. row.Concat(weight).Select(cell => new Text(cell))]);
        }

        AnsiConsole.Write(table);
        Warnings.Truncated(prompt);
        Warnings.Notation(written);
        Warnings.Unknown(model, tokenizer, prompt);
    }
}
