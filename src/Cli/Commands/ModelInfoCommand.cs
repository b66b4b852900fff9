using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Models;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models info</c>: describes a model without loading it.</summary>
internal static class ModelInfoCommand
{
    private const double Million = 1e6;
    private const double Megabyte = 1 << 20;

    public static Command Create()
    {
        var model = ModelsCommand.Model();
        var command = new Command("info", "Show the family, parts, parameters, data types and sizes of a model") { model };
        var checkpoint = new CheckpointOptions().AddTo(command);
        var report = new ReportOptions().AddJsonTo(command);
        command.SetAction(parse =>
        {
            var info = ModelReport.Of(ModelOptions.Locate(parse.GetValue(model)!, "model"), checkpoint.Read(parse));
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(ToJson(info)));
            else
                Print(info);
            return ExitCode.Done;
        });
        return command;
    }

    private static JsonObject ToJson(ModelReport info) => new()
    {
        ["command"] = "models info",
        ["model"] = info.Path,
        ["format"] = info.Format,
        ["family"] = info.Family,
        ["inpainting"] = info.IsInpainting,
        ["prediction"] = NameOf(info.Prediction),
        ["predictionFrom"] = info.PredictionSource,
        ["pictureSize"] = info.ImageSize,
        ["parameters"] = info.Parts.Sum(part => part.Parameters),
        ["bytes"] = info.Parts.Sum(part => part.Bytes),
        ["ignoredTensors"] = info.IgnoredTensors,
        ["notes"] = Json.Array(info.Notes),
        ["parts"] = new JsonArray([.. info.Parts.Select(part => new JsonObject
        {
            ["name"] = part.Name,
            ["tensors"] = part.Tensors,
            ["parameters"] = part.Parameters,
            ["bytes"] = part.Bytes,
            ["types"] = Json.Array(part.Types),
            ["files"] = Json.Array(part.Files),
        })]),
    };

    private static void Print(ModelReport info)
    {
        Console.Out.WriteLine(info.Path);
        Console.Out.WriteLine($"{info.Family}{(info.IsInpainting ? ", for inpainting" : "")}; {info.Format}; trained at {info.ImageSize}×{info.ImageSize}");
        Console.Out.WriteLine($"predicts {NameOf(info.Prediction)} (source: {info.PredictionSource})");
        var table = new Table().AddColumns("part", "tensors", "parameters", "type", "size");
        foreach (var part in info.Parts)
        {
            table.AddRow(
                part.Name,
                Text($"{part.Tensors}"),
                Text($"{part.Parameters / Million:F1} M"),
                string.Join(", ", part.Types),
                Text($"{part.Bytes / Megabyte:F1} MB"));
        }

        table.AddRow("total", Text($"{info.Parts.Sum(part => part.Tensors)}"), Text($"{info.Parts.Sum(part => part.Parameters) / Million:F1} M"), "", Text($"{info.Parts.Sum(part => part.Bytes) / Megabyte:F1} MB"));
        AnsiConsole.Write(table);
        if (info.IgnoredTensors > 0)
            Console.Out.WriteLine($"{info.IgnoredTensors} more tensors in the file are not part of the model (left over from training)");
        foreach (var note in info.Notes)
            Console.Out.WriteLine($"note: {note}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string NameOf(PredictionType prediction) => prediction switch
    {
        PredictionType.VPrediction => "v",
        PredictionType.Epsilon => "epsilon",
        _ => "sample",
    };
}
