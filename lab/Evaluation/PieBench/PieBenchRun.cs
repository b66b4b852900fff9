using System.Text;
using PromptToPrompt.Batch;
using PromptToPrompt.Batch.Making;
using PromptToPrompt.Batch.Plans;
using PromptToPrompt.Batch.Settings;
using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Evaluation.PieBench;

/// <summary>An item that a method could not edit as it should.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Id">Identifier of the item.</param>
/// <param name="Problem">The reason.</param>
internal sealed record PieBenchProblem(string Method, string Id, string Problem);

/// <summary>
/// Edits the images of a data set with several methods. Each method is a batch run with a plan of its own, so a stopped run resumes, and other machines may take
/// part: <c>p2p batch plans/METHOD.jsonl -o shards/METHOD</c>. The edits are then in a folder for each method, whose paths are those of the data set.
/// </summary>
/// <param name="data">The data set.</param>
/// <param name="methods">The methods.</param>
/// <param name="folder">The folder of all files.</param>
internal sealed class PieBenchRun(PieBenchData data, IReadOnlyList<PieBenchMethod> methods, string folder)
{
    /// <summary>Number of edits, done and missing.</summary>
    public int Count => data.Items.Count * methods.Count;

    /// <summary>Path of an edit.</summary>
    public string PathOf(PieBenchMethod method, PieBenchItem item) => Path.Combine(folder, method.Name, Path.ChangeExtension(item.ImagePath, ".png"));

    /// <summary>Path of a method's plan.</summary>
    public string PlanOf(PieBenchMethod method) => Path.Combine(folder, "plans", $"{method.Name}.jsonl");

    /// <summary>Folder of a method's batch run.</summary>
    public string ShardsOf(PieBenchMethod method) => Path.Combine(folder, "shards", method.Name);

    /// <summary>
    /// Writes the plan of each method. The paths of images are relative to the plans. As in the published evaluation, the source stands for an edit whose words to
    /// blend are not in the prompts. Items without an image are left out.
    /// </summary>
    /// <param name="sampling">Steps, guidance and seed.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <returns>The edits that are not made, or for which the source stands.</returns>
    /// <exception cref="InvalidInputException">No item has an image.</exception>
    public IReadOnlyList<PieBenchProblem> WritePlans(SamplingSettings sampling, ClipTokenizer tokenizer)
    {
        var problems = new List<PieBenchProblem>();
        foreach (var method in methods)
        {
            var path = PlanOf(method);
            var folder = Path.GetDirectoryName(path)!;
            var lines = new StringBuilder();
            foreach (var item in data.Items)
            {
                var image = Path.GetRelativePath(folder, data.PathOf(item));
                var line = BatchJson.Line(method.PlanLine(item, image, sampling));
                if (ProblemOf(line, path, tokenizer) is { } problem)
                {
                    problems.Add(new(method.Name, item.Id, problem));
                    line = BatchJson.Line(method.SourceLine(item, image, sampling, tokenizer));
                    if (ProblemOf(line, path, tokenizer) is not null)
                        continue;
                }

                lines.Append(line).Append('\n');
            }

            InvalidInputException.Require(lines.Length > 0, $"No item of {data.Folder} can be edited. The first: {(problems.Count > 0 ? problems[0].Problem : "")}");
            Directory.CreateDirectory(folder);
            AtomicFile.WriteText(path, lines.ToString());
        }

        return problems;
    }

    /// <summary>Makes the missing edits of the plans.</summary>
    /// <param name="model">The model.</param>
    /// <param name="progress">Receives the number of edits that are done.</param>
    /// <param name="cancellationToken">Stops before the next step.</param>
    /// <returns>The items that failed.</returns>
    public IReadOnlyList<PieBenchProblem> Edit(StableDiffusionModel model, Action<int> progress, CancellationToken cancellationToken)
    {
        var failures = new List<PieBenchProblem>();
        foreach (var (index, method) in methods.Index())
        {
            var request = new BatchRequest { Plan = BatchPlan.Read(PlanOf(method)), Folder = ShardsOf(method), Layout = new TarLayout { Format = ImageFormat.Png } };
            new BatchRun(model, request).Execute(new Display(value => progress((index * data.Items.Count) + value.Items)), cancellationToken);
            foreach (var shard in Enumerable.Range(0, request.Shards).Select(number => new ShardPaths(request.Folder, number)))
            {
                failures.AddRange(ShardStats.Failures(shard).Select(failed => new PieBenchProblem(method.Name, failed.Id!, failed.Error!)));
                Unpack(method, request, shard);
            }
        }

        return failures;
    }

    private static string? ProblemOf(string line, string path, ClipTokenizer tokenizer)
    {
        try
        {
            var plan = BatchPlan.Parse(Encoding.UTF8.GetBytes(line), path);
            var item = plan.Items[0];
            plan.RequireImage(item);
            _ = SampleRequest.Draw(item, SettingValues.None, runSeed: 0, number: 0, tokenizer).Check(tokenizer);
            return null;
        }
        catch (InvalidInputException e)
        {
            return e.Message.Replace($"{path}, line 1, ", "", StringComparison.Ordinal);
        }
    }

    private void Unpack(PieBenchMethod method, BatchRequest request, ShardPaths shard)
    {
        var items = data.Items.ToDictionary(item => item.Id, StringComparer.Ordinal);
        if (request.ItemsOf(shard.Number).All(planned => File.Exists(PathOf(method, items[planned.Id!]))))
            return;
        foreach (var (index, edit) in TarLayout.Edits(shard))
        {
            var path = PathOf(method, items[request.Plan.Items[index].Id!]);
            if (File.Exists(path))
                continue;
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, stream => stream.Write(edit));
        }
    }

    private sealed class Display(Action<BatchProgress> show) : IProgress<BatchProgress>
    {
        public void Report(BatchProgress value) => show(value);
    }
}
