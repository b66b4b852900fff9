using System.Diagnostics;
using System.Globalization;
using PromptToPrompt.Diffusion.Attention;
using PromptToPrompt.Diffusion.Tokenization;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Editing.Control;
using PromptToPrompt.Editing.Edits;
using static TorchSharp.torch;

namespace PromptToPrompt.Benchmarks;

/// <summary>
/// Edit steps of Stable Diffusion 1.5's U-Net at full size. The weights are random: time and memory do not depend on them. The autoencoder
/// and the text encoder are left out; they run once for a picture, the U-Net in every step.
/// </summary>
internal static class FullSizeRun
{
    // The first step of a run of 50 lies in the windows of both kinds of injection.
    private const int StepsOfRun = 50;
    private const int PixelsPerLatent = 8;

    private static readonly UNetConfig Config = new()
    {
        InChannels = 4,
        OutChannels = 4,
        Levels = [new(320, 8, true, true, 1), new(640, 8, true, true, 1), new(1280, 8, true, true, 1), new(1280, 8, false, false, 1)],
        LayersPerBlock = 2,
        CrossAttentionDim = 768,
        NormGroups = 32,
        NormEpsilon = 1e-5,
        LinearProjection = false,
        CosineFirst = true,
        FrequencyShift = 0,
        SampleSize = 64,
    };

    public static int Execute(ReadOnlySpan<string> options)
    {
        var (dtype, size, steps) = (ScalarType.Float32, 512, 1);
        for (var i = 0; i < options.Length; i += 2)
        {
            var value = i + 1 < options.Length ? options[i + 1] : "";
            var known = options[i] switch
            {
                "--dtype" => (dtype = value == "bfloat16" ? ScalarType.BFloat16 : ScalarType.Float32) == ScalarType.BFloat16 || value == "float32",
                "--size" => int.TryParse(value, CultureInfo.InvariantCulture, out size) && size >= 64 && size % 64 == 0,
                "--steps" => int.TryParse(value, CultureInfo.InvariantCulture, out steps) && steps is >= 1 and <= StepsOfRun,
                _ => false,
            };
            if (known)
                continue;
            Console.Error.WriteLine(
                $"\"{options[i]} {value}\" is not understood; use --dtype float32|bfloat16, --size with a multiple of 64, --steps from 1 to {StepsOfRun}.");
            return 2;
        }

        Run(dtype, size / PixelsPerLatent, steps);
        return 0;
    }

    private static void Run(ScalarType dtype, int side, int steps)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator(0, CPU);
        using var weights = new RandomWeights(generator, dtype);
        var unet = new UNet2DConditionModel(Config, weights.Root);
        var tokenizer = ClipTokenizer.Load(Path.Combine(EmbeddedModel.Directory, "tokenizer"));
        var (source, target) = (tokenizer.Tokenize("a red house in a field"), tokenizer.Tokenize("a red castle in a field"));
        var edit = AttentionEdit.Create(source, target, new EditSpecification(), StepsOfRun);
        using var recording = new SourceRecording(dtype);
        using var attention = new EditAttention([null, edit], recording);
        var tokens = source.Ids.Count;
        var rate = MatrixRate.Measure(dtype);
        var row = UNetOperations.Count(Config, side, side, tokens);
        Print($"{Name(dtype)}, {side * PixelsPerLatent}x{side * PixelsPerLatent}, {get_num_threads()} thread(s): matrix products {rate / 1e9:F0} GFLOP/s, one row {row / 1e12:F2} TFLOP");
        Print($"weights: {ResidentMemory.Current / 1e9:F2} GB resident");
        Measure("first edit, source and edit in one batch", [new(0, false), new(1, false), new(0, true), new(1, true)]);
        Measure("next edit, source recorded", [new(1, false), new(1, true)]);

        void Measure(string what, BatchRow[] rows)
        {
            using var inner = NewDisposeScope();
            var sample = randn([rows.Length, Config.InChannels, side, side], generator: generator).to(dtype);
            var context = randn([rows.Length, tokens, Config.CrossAttentionDim], generator: generator).to(dtype);
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < steps; i++)
            {
                var timestep = 981L - (20 * i);
                unet.Forward(sample, tensor(new[] { timestep }), context, attention, new DenoisingStep(i, timestep, rows)).Dispose();
            }

            var seconds = watch.Elapsed.TotalSeconds / steps;
            var floor = rows.Length * row / rate;
            Print($"{what} ({rows.Length} rows): {seconds:F1} s a step, {seconds / floor:F2} times the matrix products' {floor:F1} s, peak {ResidentMemory.Peak / 1e9:F2} GB, recording {recording.Bytes / 1e6:F0} MB");
        }
    }

    private static string Name(ScalarType dtype) => dtype.ToString().ToLowerInvariant();

    private static void Print(FormattableString line) => Console.WriteLine(FormattableString.Invariant(line));
}
