using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion.Common.Cpu;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Editing.Attention;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Pipelines;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Lab.Benches;

/// <summary>
/// <c>p2p-lab bench operations</c>: how many tensor operations a step takes. On a GPU every operation is a kernel to launch, or a view; the arithmetic
/// of small batches takes less time than the launches.
/// </summary>
/// <remarks>Counts the tensors that TorchSharp creates, views included. Operations in place are not among them.</remarks>
internal static class OperationsBench
{
    private const int Steps = 5;

    // A quarter of 512 pixels, and of the injected layers' 32 positions: the counts are the same and take seconds.
    private const int Side = 128, SelfResolution = 8;
    private const string Prompt = "a white house in a field";

    public static Command Create(CancellationToken cancellationToken)
    {
        var command = new Command("operations", "Count the tensor operations of a denoising step and of a null-text iteration, with the layers of Stable Diffusion 1.5");
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var folder = Directory.CreateTempSubdirectory("p2p-bench-operations-");
            try
            {
                // They are not a GPU's, and create tensors of their own.
                ChannelsLast.AreUsed = false;
                using var model = Model(folder.FullName);
                var counts = Measure(model, cancellationToken);
                Console.Out.WriteLine(report.Json(parse) ? Json.Line(counts) : Table(counts));
                return ExitCode.Done;
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        });
        return command;
    }

    private static JsonObject Measure(StableDiffusionModel model, CancellationToken cancellationToken)
    {
        var edit = new EditRequest { Prompts = ["a red house in a field"], SelfResolution = SelfResolution };
        return new JsonObject
        {
            ["firstEdit"] = PerStep(source => Created(() => EditRun.Execute(model, source, edit, cancellationToken: cancellationToken).Dispose())),
            ["nextEdit"] = PerStep(source =>
            {
                using var session = new EditSession(model, source, ScalarType.Float32, long.MaxValue, SelfResolution);
                session.RunSource().Dispose();
                return Created(() => session.Edit(edit, cancellationToken: cancellationToken).Dispose());
            }),
            ["nullTextIteration"] = (Inversion(4) - Inversion(2)) / (2.0 * Steps),
        };

        double PerStep(Func<GenerationRequest, long> count) => (count(Source(2 * Steps)) - count(Source(Steps))) / (double)Steps;

        static GenerationRequest Source(int steps) => new() { Prompt = Prompt, Sampling = new SamplingSettings { Steps = steps, Size = new(Side, Side) } };

        long Inversion(int iterations)
        {
            using var latents = randn([1, 4, Side / 8, Side / 8], generator: new Generator(1));
            var settings = new InversionSettings { Prompt = Prompt, Method = new NullTextInversion { InnerSteps = iterations, EarlyStop = 0 }, Sampling = new() { Steps = Steps } };
            return Created(() => InversionMethod.Invert(model, latents, settings, cancellationToken: cancellationToken).Dispose());
        }
    }

    private static string Table(JsonObject counts) => string.Join('\n', new[] { ("first edit, 4 rows", "firstEdit"), ("next edit, 2 rows", "nextEdit"), ("null-text iteration", "nullTextIteration") }
        .Select(row => string.Create(CultureInfo.InvariantCulture, $"{row.Item1,-20} {(double)counts[row.Item2]!,7:F0} operations")));

    // The layers of SD 1.5 with a tenth of its channels, which changes no count. Its weights are converted while they load, as on a GPU.
    private static StableDiffusionModel Model(string folder)
    {
        var embedded = ModelLocation.Find(PromptToPromptPipeline.EmbeddedModel);
        foreach (var file in Directory.GetFiles(Path.Combine(embedded, "tokenizer")))
        {
            Directory.CreateDirectory(Path.Combine(folder, "tokenizer"));
            File.Copy(file, Path.Combine(folder, "tokenizer", Path.GetFileName(file)));
        }

        var full = ModelConfig.StableDiffusion15;
        RandomModel.Write(folder, full with
        {
            UNet = full.UNet with { Levels = [.. full.UNet.Levels.Select(level => level with { Channels = level.Channels / 10 })], CrossAttentionDim = 64 },
            TextEncoder = full.TextEncoder with { VocabularySize = StableDiffusionModel.LoadTokenizer(embedded).VocabularySize, HiddenSize = 64, IntermediateSize = 256, Heads = 2, Layers = 2 },
            Vae = full.Vae with { Channels = [32, 32, 32, 32], LayersPerBlock = 1 },
            Scheduler = full.Scheduler with { ClassName = "DDIMScheduler" },
        }, ScalarType.Float16, seed: 1);
        return StableDiffusionModel.Load(folder);
    }

    private static long Created(Action run)
    {
        var before = Count();
        run();
        return Count() - before;

        static long Count()
        {
            var tensors = DisposeScopeManager.Statistics.TensorStatistics;
            return tensors.CreatedInScopeCount + tensors.CreatedOutsideScopeCount;
        }
    }
}
