using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Diffusion.Tests.Storage.Models;
using PromptToPrompt.Diffusion.UNet.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Pipelines;

/// <summary>Models that were distilled to take guidance as an input.</summary>
public sealed class DistilledGuidanceTests : IDisposable
{
    private static readonly ModelConfig Shape = SmallModel.Shape with
    {
        UNet = SmallModel.Shape.UNet with { GuidanceWidth = 16 },
        Scheduler = SmallModel.Shape.Scheduler with { ClassName = "LCMScheduler", PredictionType = PredictionType.Epsilon },
    };

    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    [Fact]
    public void OneRowDoesWhatTwoDid()
    {
        using var model = StableDiffusionModel.Load(SmallModel.Write(folder["m"], Shape));
        Assert.Equal(SchedulerKind.Lcm, model.SchedulerConfig.PreferredScheduler);
        Assert.Equal(16, model.Shape.UNet.GuidanceWidth);
        var rows = new RowCounter();

        var (eight, one) = (Run(8, rows), Run(1, rows));

        Assert.Equal([1], rows.Counts.Distinct());
        Assert.False(eight.allclose(one, 1e-3, 1e-3));

        Tensor Run(double guidance, AttentionProcessor attention)
        {
            using var generator = new Generator(1);
            using var scheduler = model.CreateScheduler(SchedulerKind.Lcm, 2);
            return DenoisingLoop.Run(model.Denoiser, scheduler, new DenoisingRequest
            {
                Latents = randn([1, 4, 8, 8], generator: generator),
                Prompts = [0],
                Conditional = TextConditioning.Encode(model, [model.Tokenizer.Tokenize("a cat")]),
                Unconditional = TextConditioning.EncodeNegative(model, ""),
                Sampling = new() { Guidance = guidance },
                Attention = attention,
            }).Select(state => state.Latents.clone()).ToList()[^1];
        }
    }

    /// <summary>The projection's input is the sine and cosine of the guidance's excess over 1 in thousandths (Meng et al., as LCM's code has it).</summary>
    [Fact]
    public void GuidanceIsAddedToTheTimestepsWaves()
    {
        const int Channels = 8, Width = 6;
        using var generator = new Generator(2);
        var weights = new Dictionary<string, Tensor>
        {
            ["cond_proj.weight"] = randn([Channels, Width], generator: generator),
            ["linear_1.weight"] = eye(Channels),
            ["linear_1.bias"] = zeros(Channels),
            ["linear_2.weight"] = eye(Channels),
            ["linear_2.bias"] = zeros(Channels),
        };
        using var stored = new StoredWeights("w", weights.ToDictionary(w => w.Key, w => new StoredWeight(w.Value.shape, () => w.Value.clone())));
        var embedding = new TimestepEmbedding(stored.Root, Channels, Channels, cosineFirst: true, frequencyShift: 0, guidanceWidth: Width);
        var timestep = tensor(new[] { 300L });

        var found = embedding.Forward(timestep, ScalarType.Float32, guidance: [8.5]);

        double[] angles = [.. Enumerable.Range(0, 3).Select(k => 7500 * Math.Pow(10000, -k / 2.0))];
        var waves = tensor([.. angles.Select(a => (float)Math.Sin(a)), .. angles.Select(a => (float)Math.Cos(a))], [1, Width]);
        var expected = nn.functional.silu(Sinusoids.Of(timestep, Channels, cosineFirst: true, 0) + waves.matmul(weights["cond_proj.weight"].t()));
        AssertClose(expected, found, 1e-3, "embedding");

        // Two rows of the same step, and each of two steps with each of two rows.
        var rows = embedding.Forward(timestep, ScalarType.Float32, guidance: [8.5, 2]);
        var other = embedding.Forward(tensor(new[] { 20L }), ScalarType.Float32, guidance: [2]);
        AssertClose(cat([found, embedding.Forward(timestep, ScalarType.Float32, guidance: [2])], 0), rows, 1e-5, "rows");
        var all = embedding.Forward(tensor(new[] { 300L, 20L }), ScalarType.Float32, guidance: [8.5, 2], eachWithEach: true);
        Assert.Equal([2, 2, Channels], all.shape);
        AssertClose(rows, all[0], 1e-5, "the first step");
        AssertClose(other[0], all[1][1], 1e-5, "the second row of the second step");
        Assert.Equal([2, 1, Channels], embedding.Forward(tensor(new[] { 300L, 20L }), ScalarType.Float32, guidance: [2, 2], eachWithEach: true).shape);
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    private sealed class RowCounter : AttentionProcessor
    {
        public List<long> Counts { get; } = [];

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            Counts.Add(query.shape[0]);
            return Plain.Attend(call, query, key, value);
        }
    }
}
