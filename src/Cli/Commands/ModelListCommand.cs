using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Printing;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Models;
using Spectre.Console;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models list</c>: lists the local models.</summary>
internal static class ModelListCommand
{
    private const string Other = "not a supported model";

    public static Command Create()
    {
        var command = new Command("list", "List the models in models/ and in the Hugging Face cache");
        var report = new ReportOptions().AddJsonTo(command);
        command.SetAction(parse =>
        {
            var cache = new HubCache(new HubSettings().CacheFolder);
            var found = ModelLocation.Embedded().Select(path => Look(Path.GetFileName(path), "", path, FolderBytes(path)))
                .Concat(cache.Repositories().SelectMany(Snapshots))
                .ToList();
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(ToJson(cache, found)));
            else
                Print(cache, found);
            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<Found> Snapshots(CachedRepository repository) => repository.Snapshots().Select(snapshot =>
        Look(repository.Name.ToString(), string.Join(", ", snapshot.Revisions.Append(snapshot.Commit[..Math.Min(8, snapshot.Commit.Length)])), snapshot.Path, snapshot.Bytes));

    private static Found Look(string name, string revision, string path, long bytes)
    {
        try
        {
            var info = ModelReport.Of(path);
            return new Found(name, revision, path, bytes, info.Family + (info.IsInpainting ? ", inpainting" : ""), info.Format);
        }
        catch (InvalidInputException)
        {
            // Other programs share the cache, so it can contain single files, tokenizers and models of any kind.
            var files = Directory.EnumerateFiles(path).Select(Path.GetFileName).Where(file => Path.GetExtension(file) is ".safetensors" or ".ckpt").ToList();
            return new Found(name, revision, path, bytes, Family: null, files.Count > 0 ? $"files: {string.Join(", ", files)}" : Other);
        }
    }

    private static long FolderBytes(string path) => new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    private static JsonObject ToJson(HubCache cache, IEnumerable<Found> found) => new()
    {
        ["command"] = "models list",
        ["cache"] = cache.Folder,
        ["models"] = new JsonArray([.. found.Select(model => new JsonObject
        {
            ["name"] = model.Name,
            ["revision"] = model.Revision,
            ["bytes"] = model.Bytes,
            ["family"] = model.Family,
            ["format"] = model.Format,
            ["path"] = model.Path,
        })]),
    };

    private static void Print(HubCache cache, List<Found> found)
    {
        var table = new Table().AddColumns("name", "revision", "size", "family", "format");
        foreach (var model in found)
            table.AddRow([.. new[] { model.Name, model.Revision, FileSize.Text(model.Bytes), model.Family ?? "", model.Format }.Select(cell => Markup.Escape(Printable.Line(cell)))]);
        if (found.Count > 0)
            AnsiConsole.Write(table);
        Console.Out.WriteLine(found.Count > 0 ? $"cache: {cache.Folder}" : $"No models in models/ or {cache.Folder}. Download one with `p2p models pull OWNER/NAME`.");
    }

    private sealed record Found(string Name, string Revision, string Path, long Bytes, string? Family, string Format);
}
