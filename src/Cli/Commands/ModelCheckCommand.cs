using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Printing;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Models;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models check</c>: lists the tensors of a model that are missing, extra, misshapen or not floating-point.</summary>
internal static class ModelCheckCommand
{
    public static Command Create()
    {
        var model = ModelsCommand.Model();
        var command = new Command("check", "Check a model for missing, extra and misshapen tensors") { model };
        var checkpoint = new CheckpointOptions().AddTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var path = ModelOptions.Locate(parse.GetValue(model)!, "model");
            LibTorch.EnsureLoaded();
            var parts = ModelCheck.Of(path, checkpoint.Read(parse));
            var isSound = parts.All(part => part.IsSound);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(ToJson(path, parts, isSound)));
            else if (!report.Quiet(parse))
                Print(parts);
            return isSound ? ExitCode.Done : throw new InvalidInputException($"The model {path} is not sound: {string.Join("; ", parts.Where(part => !part.IsSound).Select(Summary))}.");
        });
        return command;
    }

    private static string Summary(PartCheck part) => $"{part.Part} has {part.Missing.Count} missing, {part.Extra.Count} extra and {part.Misshapen.Count} misshapen tensors"
        + (part.Mistyped.Count > 0 ? $", and {part.Mistyped.Count} that are not floating-point" : "");

    private static JsonObject ToJson(string path, IReadOnlyList<PartCheck> parts, bool isSound) => new()
    {
        ["command"] = "models check",
        ["model"] = path,
        ["sound"] = isSound,
        ["parts"] = new JsonArray([.. parts.Select(part => new JsonObject
        {
            ["name"] = part.Part,
            ["missing"] = Json.Array(part.Missing),
            ["extra"] = Json.Array(part.Extra),
            ["misshapen"] = new JsonArray([.. part.Misshapen.Select(tensor => new JsonObject
            {
                ["name"] = tensor.Name,
                ["shape"] = Json.Array(tensor.Shape),
                ["wanted"] = Json.Array(tensor.Wanted),
            })]),
            ["mistyped"] = Json.Array(part.Mistyped),
        })]),
    };

    private static void Print(IReadOnlyList<PartCheck> parts)
    {
        foreach (var part in parts)
        {
            Console.Out.WriteLine($"{part.Part}: {(part.IsSound ? "sound" : "not sound")}");
            foreach (var name in part.Missing)
                Console.Out.WriteLine($"  missing    {Printable.Line(name)}");
            foreach (var name in part.Extra)
                Console.Out.WriteLine($"  extra      {Printable.Line(name)}");
            foreach (var tensor in part.Misshapen)
                Console.Out.WriteLine($"  misshapen  {Printable.Line(tensor.Name)} [{string.Join(", ", tensor.Shape)}], should be [{string.Join(", ", tensor.Wanted)}]");
            foreach (var name in part.Mistyped)
                Console.Out.WriteLine($"  mistyped   {Printable.Line(name)}, should be floating-point");
        }
    }
}
