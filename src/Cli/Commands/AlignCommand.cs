using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Printing;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Prompts;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p align</c>: shows which target words take the attention of which source words.</summary>
internal static class AlignCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "Source prompt" };
        var target = new Argument<string>("target") { Description = "Target prompt" };
        var command = new Command("align", "Show how an edit aligns the words of two prompts") { source, target }.In(HelpGroup.Prompts);
        var longPrompts = new LongPromptsOption();
        command.Add(longPrompts);
        var kind = new AlignmentOptions().AddTo(command);
        var model = new ModelOptions().AddNameTo(command);
        var report = new ReportOptions().AddJsonTo(command);
        command.SetAction(parse =>
        {
            var tokenizer = model.LoadTokenizer(parse);
            var texts = (Source: parse.GetValue(source)!, Target: parse.GetValue(target)!);
            var chunks = longPrompts.Chunks(parse, tokenizer, texts.Source, texts.Target);
            var alignment = TokenAlignment.Create(
                kind.Read(parse), PromptReading.Read(tokenizer, texts.Source, chunks), PromptReading.Read(tokenizer, texts.Target, chunks));
            Warnings.Truncated(alignment.Source, alignment.Target);
            Warnings.Notation(texts.Source, texts.Target);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(ToJson(alignment)));
            else
                Print(alignment);
            return ExitCode.Done;
        });
        return command;
    }

    private static JsonObject ToJson(TokenAlignment alignment)
    {
        var json = new JsonObject
        {
            ["kind"] = alignment.Kind.ToString().ToLowerInvariant(),
            ["mapper"] = alignment.Gather is { } gather
                ? Json.Array(gather)
                : new JsonArray([.. alignment.Mapper.Chunk(alignment.Length).Select(Json.Array)]),
        };
        if (alignment.Kind != AlignmentKind.Replace)
            json["alphas"] = Json.Array(alignment.Counterpart);
        return json;
    }

    private static void Print(TokenAlignment alignment)
    {
        var described = alignment.Describe();
        var table = new Table().AddColumns("target", "takes the attention of");
        foreach (var row in described.Rows)
            table.AddRow(new Text(Printable.Cell(row.Target)), new Text(row.IsNew ? "(new)" : Printable.Line(string.Join(" ", row.Sources))));
        AnsiConsole.Write(table);
        if (described.Dropped.Count > 0)
            Console.Out.WriteLine(Printable.Line($"no longer used: {string.Join(" ", described.Dropped)}"));
    }
}
