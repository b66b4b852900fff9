using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models remove</c>: deletes a model from the Hugging Face cache.</summary>
internal static class ModelRemoveCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("model") { Description = "OWNER/NAME of a model in the Hugging Face cache" };
        var revision = new Option<string?>("--revision") { Description = "Only this branch, tag or commit; files shared with other revisions are kept", HelpName = "name" };
        var yes = new Option<bool>("--yes") { Description = "Do not ask for confirmation" };
        var command = new Command("remove", "Delete a model, or one revision of it, from the Hugging Face cache") { model, revision, yes };
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var repository = new HubCache(new HubSettings().CacheFolder).Repository(HubRepository.Parse(parse.GetValue(model)!));
            if (!repository.Exists)
                throw new InvalidInputException($"{repository.Name} is not in the cache ({repository.Folder}); `p2p models list` shows what is.");
            var chosen = parse.GetValue(revision);
            var snapshot = chosen is null ? null : repository.Find(chosen) ?? throw new InvalidInputException(
                $"{repository.Name} has no revision \"{chosen}\" in the cache; it has {string.Join(", ", repository.Snapshots().SelectMany(found => found.Revisions.Append(found.Commit)))}.");
            var target = snapshot?.Path ?? repository.Folder;
            if (!parse.GetValue(yes) && !Confirm(target))
                throw new InvalidInputException("Nothing was deleted. Answer y, or use --yes.");
            var freed = snapshot is null ? repository.Remove() : repository.Remove(snapshot);
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(new JsonObject { ["command"] = "models remove", ["name"] = repository.Name.ToString(), ["removed"] = target, ["freed"] = freed }));
            else if (!report.Quiet(parse))
                Console.Out.WriteLine($"{target}: deleted, {FileSize.Text(freed)} freed");
            return ExitCode.Done;
        });
        return command;
    }

    // Ask on standard error; standard output is for the result.
    private static bool Confirm(string target)
    {
        Console.Error.Write($"Delete {target}? [y/N] ");
        return Console.In.ReadLine()?.Trim().ToUpperInvariant() is "Y" or "YES";
    }
}
