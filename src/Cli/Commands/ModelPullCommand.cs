using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Storage.Hub;
using PromptToPrompt.Diffusion.Storage.Models;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models pull</c>: downloads a model from the Hugging Face Hub into the cache that the hub's own tools use.</summary>
internal static class ModelPullCommand
{
    public static Command Create(CancellationToken cancellationToken)
    {
        var model = new Argument<string>("model") { Description = "OWNER/NAME of a model on the Hugging Face Hub" };
        var revision = new Option<string>("--revision") { Description = "Branch, tag or commit", HelpName = "name", DefaultValueFactory = _ => HubRevision.Main };
        var variant = new Option<string?>("--variant") { Description = "Variant of the weights, such as fp16", HelpName = "name" };
        var file = new Option<string[]>("--file") { Description = "Download only this file, such as a checkpoint or a LoRA. Repeatable", HelpName = "path" };
        var command = new Command("pull", "Download a model from the Hugging Face Hub. Run it again to resume") { model, revision, variant, file };
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var request = new PullRequest(HubRepository.Parse(parse.GetValue(model)!))
            {
                Revision = parse.GetValue(revision)!,
                Variant = parse.GetValue(variant),
                Files = parse.GetValue(file) ?? [],
            };
            var pulled = LongRun.Show(report.Quiet(parse) || report.Json(parse), progress =>
                new ModelPull(new HubSettings()).RunAsync(request, new Display(request.Repository, progress), cancellationToken).GetAwaiter().GetResult());
            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(ToJson(request, pulled)));
            else if (!report.Quiet(parse))
                Print(request, pulled);
            return ExitCode.Done;
        });
        return command;
    }

    private static JsonObject ToJson(PullRequest request, PulledModel pulled) => new()
    {
        ["command"] = "models pull",
        ["name"] = request.Repository.ToString(),
        ["revision"] = request.Revision,
        ["commit"] = pulled.Commit,
        ["path"] = pulled.Path,
        ["bytes"] = pulled.Bytes,
        ["fetched"] = pulled.Fetched,
        ["files"] = Json.Array(pulled.Files),
    };

    private static void Print(PullRequest request, PulledModel pulled)
    {
        Console.Out.WriteLine(pulled.Path);
        Console.Out.WriteLine($"{pulled.Files.Count} files, {FileSize.Text(pulled.Bytes)} ({FileSize.Text(pulled.Fetched)} of it new); use --model {Name(request, pulled)}");
    }

    private static string Name(PullRequest request, PulledModel pulled) =>
        request.Files is [var only] ? Path.Combine(pulled.Path, only)
        : request.Revision == HubRevision.Main ? request.Repository.ToString()
        : $"{request.Repository}{ModelLocation.RevisionMark}{request.Revision}";

    /// <summary>Shows the progress of the whole download, with the file it is at.</summary>
    private sealed class Display(HubRepository repository, IProgress<LongProgress> progress) : IProgress<PullProgress>
    {
        public void Report(PullProgress value)
        {
            // The first few configs say what else is needed; only then is the total known.
            if (value.Total > 0 || value.Note.Length > 0)
                progress.Report(new LongProgress(repository.ToString(), value.Done, value.Total, LongProgress.Bytes, Note(value), value.Note.Length > 0));
        }

        private static string Note(PullProgress value) => string.Join(", ", new[] { value.File, value.Note }.Where(text => text.Length > 0));
    }
}
