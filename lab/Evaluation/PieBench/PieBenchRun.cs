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
    /// blend are not in the prompts.
    /// </summary>
    /// <param name="sampling">Steps, guidance and seed.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <returns>Those edits.</returns>
    public IReadOnlyList<PieBenchProblem> WritePlans(SamplingSettings sampling, ClipTokenizer tokenizer)
    {
        var problems = new List<PieBenchProblem>();
        foreach (var method in methods)
        {
            Write(method, data.Items, sampling);
            var plan = BatchPlan.Read(PlanOf(method));
            var unfit = data.Items.Zip(plan.Items, (item, planned) => (Item: item, Problem: ProblemOf(planned, tokenizer))).Where(each => each.Problem is not null).ToDictionary(each => each.Item, each => each.Problem!);
            if (unfit.Count == 0)
                continue;
            problems.AddRange(unfit.Select(each => new PieBenchProblem(method.Name, each.Key.Id, each.Value)));
            Write(method, data.Items.Select(item => unfit.ContainsKey(item) ? item with { TargetPrompt = method.SourcePrompt(item), Blend = [] } : item), sampling);
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
                Unpack(method, shard);
            }
        }

        return failures;
    }

    private static string? ProblemOf(PlanItem item, ClipTokenizer tokenizer)
    {
        try
        {
            _ = SampleRequest.Draw(item, SettingValues.None, runSeed: 0, number: 0, tokenizer).Check(tokenizer);
            return null;
        }
        catch (InvalidInputException e)
        {
            return e.Message;
        }
    }

    private void Write(PieBenchMethod method, IEnumerable<PieBenchItem> items, SamplingSettings sampling)
    {
        var plans = Path.GetDirectoryName(PlanOf(method))!;
        Directory.CreateDirectory(plans);
        AtomicFile.WriteText(PlanOf(method), string.Concat(items.Select(item => BatchJson.Line(method.PlanLine(item, Path.GetRelativePath(plans, data.PathOf(item)), sampling)) + "\n")));
    }

    private void Unpack(PieBenchMethod method, ShardPaths shard)
    {
        var items = data.Items.Skip(shard.Number * BatchRequest.DefaultShardSize).Take(BatchRequest.DefaultShardSize);
        if (items.All(item => File.Exists(PathOf(method, item))))
            return;
        foreach (var (index, edit) in TarLayout.Edits(shard))
        {
            var path = PathOf(method, data.Items[index]);
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
