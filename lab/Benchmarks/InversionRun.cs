using System.Diagnostics;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using PromptToPrompt.Editing.Tests.Oracles;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// The stages of editing a real image: inversion, null-text optimization, a first edit and a next one. Compares the product with a
/// straightforward implementation of the published algorithm, in one process for the times, and in separate ones for the memory.
/// </summary>
internal sealed class InversionRun : IDisposable
{
    private const int Steps = 10;
    private const string Prompt = "a red house in a field";
    private const string Target = "a blue house in a field";
    private readonly StableDiffusionModel model = StableDiffusionModel.Load(EmbeddedModel.Directory);
    private const double Guidance = 4;

    private static readonly GenerationRequest Source = new() { Prompt = Prompt, Sampling = new() { Steps = Steps, Guidance = Guidance, Scheduler = SchedulerKind.Ddim } };

    private static readonly EditRequest Edited = new() { Prompts = [Target] };

    private static readonly NullTextInversion NullText = new() { EarlyStop = 0 };

    private readonly InversionSettings settings = new()
    {
        Prompt = Prompt,
        Sampling = new() { Steps = Steps, Guidance = Guidance },
        Method = NullText,
    };
    private readonly Tensor image;

    private InversionRun()
    {
        // Any image will do; the model can represent its own.
        using var made = EditRun.Execute(model, Source with { Sampling = Source.Sampling with { Seed = 3 } });
        image = model.Vae.EncodeImage(made.Images[0]);
    }

    public static int Execute(string[] ways)
    {
        if (ways is not ([] or ["product"] or ["published"]))
        {
            Console.Error.WriteLine($"\"{string.Join(' ', ways)}\" is not valid. Use inversion, inversion product or inversion published.");
            return 2;
        }

        using var run = new InversionRun();
        var before = ResidentMemory.Current;
        using var published = ways is ["product"] ? null : run.Published();
        using var product = ways is ["published"] ? null : run.Product();
        if (ways is not [])
            Console.WriteLine(FormattableString.Invariant($"peak {ResidentMemory.Peak / 1e6:F0} MB, {(ResidentMemory.Peak - before) / 1e6:F0} MB of it for the work"));
        if (published is null || product is null)
            return 0;
        var difference = (published - product).abs().max().ReadDouble();
        Console.WriteLine(FormattableString.Invariant($"largest difference of the embeddings: {difference:E1}"));
        return difference < 1e-2 ? 0 : 1;
    }

    public void Dispose()
    {
        image.Dispose();
        model.Dispose();
    }

    private static T Timed<T>(string way, string stage, Func<(T Result, long Rows)> work)
    {
        var watch = Stopwatch.StartNew();
        var (result, rows) = work();
        Console.WriteLine(FormattableString.Invariant($"{way,-9}  {stage,-12} {rows,6} rows  {watch.Elapsed.TotalSeconds,7:F2} s"));
        return result;
    }

    private Tensor Product()
    {
        using var scope = NewDisposeScope();
        var rows = new List<(string Stage, long Rows)>();
        var watch = Stopwatch.StartNew();
        var times = new List<(string Stage, double Seconds)>();
        using var inverted = InversionMethod.Invert(model, image, settings, new Each<InversionProgress>(p =>
        {
            rows.Add((p.Stage, p.Rows));
            times.Add((p.Stage, watch.Elapsed.TotalSeconds));
        }));
        var (firstRows, firstTime) = (rows.Last(r => r.Stage == "inverting").Rows, times.Last(t => t.Stage == "inverting").Seconds);
        Console.WriteLine(FormattableString.Invariant($"product    inverting    {firstRows,6} rows  {firstTime,7:F2} s"));
        Console.WriteLine(FormattableString.Invariant($"product    optimizing   {rows[^1].Rows - firstRows,6} rows  {times[^1].Seconds - firstTime,7:F2} s"));
        var source = GenerationRequest.Of(inverted);
        Timed("product", "first edit", () => Run(progress => EditRun.Execute(model, source, Edited, progress: progress)));
        using var session = new EditSession(model, source, ScalarType.Float32, long.MaxValue);
        session.RunSource().Dispose();
        Timed("product", "next edit", () => Run(progress => session.Edit(Edited, progress: progress)));
        return inverted.Unconditional!.Text.clone().MoveToOuterDisposeScope();
    }

    private Tensor Published()
    {
        using var scope = NewDisposeScope();
        using var published = new PlainNullText(model, Steps, Guidance);
        var conditional = TextConditioning.Encode(model, [model.Tokenizer.Tokenize(Prompt)]).Text;
        var unconditional = TextConditioning.EncodeNegative(model, "").Text;
        var pivots = Timed("published", "inverting", () => Counted(published, () => published.Invert(image, conditional)));
        var found = Timed("published", "optimizing", () => Counted(
            published, () => published.Optimize(pivots, conditional, unconditional, NullText.InnerSteps, NullText.EarlyStop)));
        using var edits = new EditScenario(
            model,
            Source,
            Edited,
            pivots[^1],
            cat([.. found], 0));
        Timed("published", "each edit", () => (edits.RunMaterialized(), 4L * Steps));
        return cat([.. found], 0).MoveToOuterDisposeScope();
    }

    private static (T Result, long Rows) Counted<T>(PlainNullText published, Func<T> work)
    {
        var before = published.Rows;
        var result = work();
        return (result, published.Rows - before);
    }

    private static (bool Done, long Rows) Run(Func<IProgress<EditProgress>, EditResult> edit)
    {
        var rows = 0L;
        edit(new Each<EditProgress>(p => rows += p.Rows)).Dispose();
        return (true, rows);
    }

    private sealed class Each<T>(Action<T> act) : IProgress<T>
    {
        public void Report(T value) => act(value);
    }
}
