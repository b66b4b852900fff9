using System.Diagnostics;
using System.Globalization;
using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Diffusion.UNet.Gradient;
using PromptToPrompt.Diffusion.Vae;
using PromptToPrompt.Editing.Attention;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// Stable Diffusion 1.5 at full size with all parts in memory: the steps of an edit, one iteration of optimizing an embedding, and
/// decoding. The weights are random, because time and memory do not depend on them.
/// </summary>
internal sealed class FullSizeRun : IDisposable
{
    // The first step of a run of 50 is inside both injection windows.
    private const int StepsOfRun = 50;

    private static readonly Dictionary<string, ScalarType> Types = new() { ["float32"] = ScalarType.Float32, ["bfloat16"] = ScalarType.BFloat16, ["float16"] = ScalarType.Float16 };

    private static readonly ModelConfig Shape = ModelConfig.StableDiffusion15;

    private readonly Precision precision;
    private readonly int side;
    private readonly int steps;
    private readonly Generator generator = new(0, CPU);
    private readonly RandomWeights weights;
    private readonly RandomWeights vaeWeights;
    private readonly UNet2DConditionModel unet;
    private readonly ClipTextModel text;
    private readonly AutoencoderKL vae;
    private readonly ClipTokenizer tokenizer = ClipTokenizer.Load(Path.Combine(EmbeddedModel.Directory, "tokenizer"));

    private FullSizeRun(Precision precision, int side, int steps)
    {
        this.precision = precision;
        this.side = side;
        this.steps = steps;
        weights = new RandomWeights(generator, precision);
        vaeWeights = new RandomWeights(generator, Precision.Single);
        unet = new UNet2DConditionModel(Shape.UNet, weights.Root);
        text = new ClipTextModel(Shape.TextEncoder, weights.Root);
        vae = new AutoencoderKL(Shape.Vae, vaeWeights.Root);
    }

    public static int Execute(ReadOnlySpan<string> options)
    {
        var (dtype, size, steps, what) = (ScalarType.Float32, 512, 1, "all");
        for (var i = 0; i < options.Length; i += 2)
        {
            var value = i + 1 < options.Length ? options[i + 1] : "";
            var known = options[i] switch
            {
                "--dtype" => Types.TryGetValue(value, out dtype),
                "--size" => int.TryParse(value, CultureInfo.InvariantCulture, out size) && size >= 64 && size % 64 == 0,
                "--steps" => int.TryParse(value, CultureInfo.InvariantCulture, out steps) && steps is >= 1 and <= StepsOfRun,
                "--what" => (what = value) is "all" or "edit" or "gradient" or "recompute",
                _ => false,
            };
            if (known)
                continue;
            Console.Error.WriteLine(
                $"\"{options[i]} {value}\" is not valid. Use --dtype {string.Join('|', Types.Keys)}, --size with a multiple of 64, --steps from 1 to {StepsOfRun}, "
                + "--what all|edit|gradient|recompute.");
            return 2;
        }

        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var run = new FullSizeRun(Precision.On(CPU, dtype), size / Shape.Vae.PixelsPerLatent, steps);
        run.Describe();
        if (what is "all" or "edit")
            run.Edit();
        if (what is "all" or "gradient")
            run.Gradient(recompute: false);
        if (what is "all" or "recompute")
            run.Gradient(recompute: true);
        return 0;
    }

    public void Dispose()
    {
        weights.Dispose();
        vaeWeights.Dispose();
        generator.Dispose();
    }

    private double RowOperations => UNetOperations.Count(Shape.UNet, side, side, Shape.TextEncoder.MaxLength);

    private void Describe()
    {
        var pixels = side * Shape.Vae.PixelsPerLatent;
        Print($"{precision.Identity}, {pixels}x{pixels}, {get_num_threads()} thread(s); a row of the U-Net is {RowOperations / 1e12:F2} TFLOP");
        Print($"weights of all parts: {ResidentMemory.Current / 1e9:F2} GB resident");
    }

    private void Edit()
    {
        var (source, target) = (tokenizer.Tokenize("a red house in a field"), tokenizer.Tokenize("a red castle in a field"));
        var edit = EditSchedule.Create(source, target, new EditRequest(), StepsOfRun);
        using var recording = new SourceRecording(precision.Arithmetic);
        using var attention = new EditAttentionProcessor([null, edit], recording);
        var ids = tensor(tokenizer.Tokenize("").Ids.Concat(target.Ids).Select(id => (long)id).ToArray(), [2, source.Ids.Count]);
        var texts = text.Forward(ids);
        Measure("first edit, source and edit in one batch", [new(0, false), new(1, false), new(0, true), new(1, true)]);
        Measure("next edit, source recorded", [new(1, false), new(1, true)]);
        Print($"recording of the last step: {recording.Bytes / 1e6:F0} MB");
        var (seconds, processor) = Clocked(() => vae.Decode(randn([2, Shape.Vae.LatentChannels, side, side], generator: generator)).Dispose());
        Print($"decoding two images: {seconds:F1} s ({processor:F1} s of processor time), peak {ResidentMemory.Peak / 1e9:F2} GB");

        void Measure(string what, BatchRow[] rows)
        {
            using var inner = NewDisposeScope();
            var sample = randn([rows.Length, Shape.UNet.InChannels, side, side], generator: generator).to(precision.Arithmetic);
            var context = cat([.. rows.Select(row => texts.narrow(0, row.Conditional ? 1 : 0, 1))], 0);
            Report($"{what} ({rows.Length} rows)", rows.Length * RowOperations, i =>
            {
                var timestep = 981L - (20 * i);
                unet.Forward(sample, tensor(new[] { timestep }), new Conditioning(context), attention, new DenoisingStep(i, timestep, rows)).Dispose();
            });
        }
    }

    // All iterations use the same latents and timestep, as in null-text inversion.
    private void Gradient(bool recompute)
    {
        using var scope = NewDisposeScope();
        var sample = randn([1, Shape.UNet.InChannels, side, side], generator: generator).to(precision.Arithmetic);
        var context = randn([1, Shape.TextEncoder.MaxLength, Shape.TextEncoder.HiddenSize], generator: generator).to(precision.Arithmetic);
        using var differentiable = new DifferentiableUNet(unet, sample, tensor(new[] { 981L }), recompute: recompute);
        Report($"output and gradient of one row{(recompute ? ", recomputing" : "")}", 2 * RowOperations, _ =>
        {
            using var pass = differentiable.Forward(context);
            pass.Backward(pass.Output).Dispose();
        });
    }

    // The rate is measured before and after the steps, because other processes share the machine's caches and clock.
    private void Report(string what, double operations, Action<int> step)
    {
        var before = MachineRate.Measure(precision.Arithmetic);
        var (seconds, processor) = Clocked(() =>
        {
            for (var i = 0; i < steps; i++)
                step(i);
        });
        var rate = (before + MachineRate.Measure(precision.Arithmetic)) / 2;
        var floor = operations / rate;
        Print($"{what}: {seconds / steps:F1} s a step ({processor / steps:F2} s of processor time), {processor / steps / floor:F2} times the floor at {rate / 1e9:F0} GFLOP/s ({floor:F2} s), peak {ResidentMemory.Peak / 1e9:F2} GB");
    }

    private static (double Seconds, double Processor) Clocked(Action action)
    {
        var watch = Stopwatch.StartNew();
        var processor = ProcessorTime.Now;
        action();
        return (watch.Elapsed.TotalSeconds, ProcessorTime.Now - processor);
    }

    private static void Print(FormattableString line) => Console.WriteLine(FormattableString.Invariant(line));
}
