using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Images;
using Spectre.Console;
using ComfyGraph = PromptToPrompt.Studio.Recipes.ComfyGraph;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p info</c>: shows how a picture was made, from the text in its file.</summary>
internal static class InfoCommand
{
    // A line of the table; longer texts are in --json.
    private const int MaxLineLength = 400;

    public static Command Create()
    {
        var image = new Argument<string>("picture") { Description = "Image made by p2p or another program, a run.json, or a folder with one" };
        var command = new Command("info", "Show the generation settings stored in an image") { image }.In(HelpGroup.Runs);
        var report = new ReportOptions().AddJsonTo(command);
        command.SetAction(parse =>
        {
            var path = ImageNotes.FileOf(parse.GetValue(image)!);
            var notes = ImageNotes.Read(path);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(ToJson(path, notes)));
            else
                Print(path, notes);
            return ExitCode.Done;
        });
        return command;
    }

    private static JsonObject ToJson(string path, ImageNotes notes) => new()
    {
        ["command"] = "info",
        ["file"] = Path.GetFullPath(path),
        ["width"] = notes.Size?.Width,
        ["height"] = notes.Size?.Height,
        ["from"] = notes.Record is not null ? "p2p" : notes.Graph is not null ? "comfyui" : notes.Parameters is not null ? "a1111" : notes.IsEmpty ? null : "other",
        ["record"] = notes.Record?.DeepClone(),
        ["parameters"] = notes.Parameters is { } parameters ? new JsonObject
        {
            ["prompt"] = parameters.Prompt,
            ["negative"] = parameters.Negative,
            ["settings"] = Settings(parameters.Settings),
        } : null,
        ["comfyui"] = notes.Graph is { } graph ? new JsonObject
        {
            ["prompts"] = Json.Array(graph.Prompts),
            ["negatives"] = Json.Array(graph.Negatives),
            ["settings"] = Settings(graph.Settings),
        } : null,
        ["texts"] = new JsonArray([.. notes.Texts.Select(text => new JsonObject { ["keyword"] = text.Keyword, ["text"] = text.Text })]),
    };

    // The first setting of a name counts, as when it is read.
    private static JsonObject Settings(IEnumerable<KeyValuePair<string, string>> settings) =>
        new(settings.DistinctBy(setting => setting.Key).Select(setting => KeyValuePair.Create(setting.Key, (JsonNode?)setting.Value)));

    private static void Print(string path, ImageNotes notes)
    {
        Console.Out.WriteLine(notes.Size is { } size ? $"{Plain(path)}: {size.Width}×{size.Height} pixels" : Plain(path));
        var rows = Rows(path, notes).Where(row => row.Value.Length > 0).ToList();
        if (rows.Count == 0)
        {
            Console.Out.WriteLine("The file does not say how it was made. (Programs often drop this text when they save a picture again.)");
            return;
        }

        var table = new Table().HideHeaders().AddColumns("what", "value");
        foreach (var (what, value) in rows)
            table.AddRow(new Text(Plain(what)), new Text(Plain(value)));
        AnsiConsole.Write(table);
    }

    private static IEnumerable<(string What, string Value)> Rows(string path, ImageNotes notes)
    {
        if (notes.Record is { } record)
        {
            // The record states the version already.
            var settings = notes.Parameters is { } same ? OfParameters(same).Where(row => row.What != "version") : OfPrompts(record);
            return [.. OfRecord(record), .. settings, .. OfFiles(record), ("repeat with", record[RunRecord.Repeat] is null ? "" : $"p2p run {path}")];
        }

        var known = new[] { GenerationParameters.Keyword, ComfyGraph.Keyword, ComfyGraph.Workflow };
        return
        [
            .. notes.Graph is { } graph ? OfGraph(graph, notes.Texts) : [],
            .. notes.Parameters is { } parameters ? OfParameters(parameters).Prepend(("made with", "a program that writes AUTOMATIC1111's settings")) : [],
            .. notes.Texts.Where(text => !known.Contains(text.Keyword) || (notes.Graph is null && text.Keyword != GenerationParameters.Keyword))
                .Select(text => (text.Keyword, Shortened(text.Text))),
        ];
    }

    private static IEnumerable<(string, string)> OfRecord(JsonObject record)
    {
        // The studio records several command lines instead of one command.
        var command = record[RunRecord.Command] is JsonArray lines ? string.Join('\n', lines.Select(line => line?.ToString())) : $"p2p {record[RunRecord.Command]}";
        yield return ("made with", record[RunRecord.ProgramVersion] is { } version ? $"{command}, version {version}" : command);
    }

    private static IEnumerable<(string What, string Value)> OfParameters(GenerationParameters parameters) =>
        [("prompt", parameters.Prompt), ("negative prompt", parameters.Negative), .. parameters.Settings.Select(setting => (Uncapitalized(setting.Key), setting.Value))];

    // For a sheet, an input picture or the record itself.
    private static IEnumerable<(string What, string Value)> OfPrompts(JsonObject record) =>
        [("prompt", $"{record["source"]}"), .. (record["targets"] as JsonArray ?? []).Select(target => ("edited to", $"{target}")), ("model", $"{record[RunRecord.ModelName]}")];

    private static IEnumerable<(string, string)> OfFiles(JsonObject record) =>
        (record[RunRecord.Inputs] as JsonArray ?? []).OfType<JsonObject>().Select(input => ("reads", $"{input[RunRecord.Path]}"));

    private static IEnumerable<(string, string)> OfGraph(ComfyGraph graph, IReadOnlyList<PngText> texts) =>
    [
        ("made with", texts.Any(text => text.Keyword == ComfyGraph.Workflow) ? "ComfyUI; its graph and workflow are in the file" : "ComfyUI; its graph is in the file"),
        .. graph.Prompts.Select(prompt => ("prompt", prompt)),
        .. graph.Negatives.Select(prompt => ("negative prompt", prompt)),
        .. graph.Settings.Select(setting => (setting.Key, setting.Value)),
    ];

    // "Model hash" becomes "model hash", like the other rows; "CFG scale" stays.
    private static string Uncapitalized(string key) => key is [_, var second, ..] && char.IsLower(second) ? char.ToLowerInvariant(key[0]) + key[1..] : key;

    private static string Shortened(string text) => text.Length <= MaxLineLength ? text : $"{text[..MaxLineLength]}… ({text.Length} characters; --json shows all)";

    // Text from a file must not control the terminal.
    private static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? '\uFFFD' : c));
}
