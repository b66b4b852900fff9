using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.UNet;

public sealed class UNetConstantsTests : IDisposable
{
    // More than one block of steps.
    private static readonly long[] Timesteps = [.. Enumerable.Range(0, 70).Select(i => 990L - (14 * i))];
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator random = new(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheyChangeNoPrediction(bool isXl)
    {
        using var xl = isXl ? new TinyXlModel() : null;
        var unet = (xl ?? TinyModel.Shared).Model.UNet;
        using var constants = new UNetConstants(Timesteps);
        Conditioning[] texts = [Text(unet), Text(unet)];
        foreach (var step in new[] { 0, 1, 63, 64, 69, 3 })
        {
            foreach (var text in texts)
            {
                var sample = randn([2, 4, 8, 8], generator: random);
                var expected = unet.Forward(sample, tensor(new[] { Timesteps[step] }), text);
                AssertClose(expected, Predict(unet, constants, sample, text, step), 1e-5, $"step {step}");
            }
        }
    }

    [Fact]
    public void KeysAndValuesAreTheSameTensorsUntilTheTextChanges()
    {
        var unet = TinyModel.Shared.Model.UNet;
        using var constants = new UNetConstants(Timesteps);
        var seen = new SeenKeys();
        Conditioning[] texts = [Text(unet), Text(unet)];
        var sample = randn([2, 4, 8, 8], generator: random);
        foreach (var (text, step) in new[] { (0, 0), (0, 1), (1, 2) })
            Predict(unet, constants, sample, texts[text], step, seen);
        Assert.All(seen.Cross.Values, keys => Assert.True(ReferenceEquals(keys[0], keys[1]) && !ReferenceEquals(keys[1], keys[2])));
        Assert.NotEmpty(seen.Cross);
    }

    [Fact]
    public void NothingIsLeftBehind()
    {
        var unet = TinyModel.Shared.Model.UNet;
        var before = LiveTensors;
        using (NewDisposeScope())
        {
            using var constants = new UNetConstants(Timesteps);
            foreach (var step in new[] { 0, 64 })
                Predict(unet, constants, randn([2, 4, 8, 8], generator: random), Text(unet), step);
        }

        Assert.Equal(before, LiveTensors);
    }

    public void Dispose() => scope.Dispose();

    private static Tensor Predict(UNet2DConditionModel unet, UNetConstants constants, Tensor sample, Conditioning text, int step, AttentionProcessor? attention = null) =>
        unet.Forward(sample, constants, text, attention ?? AttentionProcessor.Plain, new DenoisingStep(step, Timesteps[step], []));

    private Conditioning Text(UNet2DConditionModel unet) => new(
        randn([2, 77, unet.Config.CrossAttentionDim], generator: random), unet.Config.Vector is { } vector ? randn([2, vector.Width], generator: random) : null);

    private sealed class SeenKeys : AttentionProcessor
    {
        public Dictionary<AttentionSite, List<Tensor>> Cross { get; } = [];

        public override Tensor Attend(in AttentionCall call, Tensor query, Tensor key, Tensor value)
        {
            if (call.Site.Kind == AttentionKind.Cross)
            {
                if (!Cross.TryGetValue(call.Site, out var keys))
                    Cross[call.Site] = keys = [];
                keys.Add(key);
            }

            return ScaledDotProduct.Attend(query, key, value);
        }
    }
}
