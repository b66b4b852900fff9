using PromptToPrompt.Diffusion.Tests.Pipelines;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.UNet.Gradient;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.UNet;

public class DifferentiableUNetTests
{
    [Theory]
    [InlineData("tiny-sd15", 8, 8, false)]
    [InlineData("tiny-sd15", 8, 8, true)]
    [InlineData("tiny-sd21", 13, 10, false)]
    [InlineData("tiny-sd21", 13, 10, true)]
    [InlineData("tiny-sdxl", 8, 8, true)]
    public void OutputAndGradientAreThoseOfAutograd(string name, int height, int width, bool recompute)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        var (unet, sample, timesteps, context, vector) = Model(reference, height, width);
        using var random = new Generator(11);
        var direction = randn([2, 4, height, width], generator: random);
        var leaf = context.clone().requires_grad_();
        var plain = unet.Forward(sample, timesteps, new Conditioning(leaf, vector));
        var expected = autograd.grad([plain], [leaf], [direction])[0];

        using var checkpointed = new DifferentiableUNet(unet, sample, timesteps, vector, recompute: recompute);
        using var pass = checkpointed.Forward(context);
        var gradient = pass.Backward(direction);

        Assert.False(pass.Output.requires_grad);
        AssertClose(plain.detach(), pass.Output, 1e-5, "output");
        AssertClose(expected, gradient.Text, 1e-5, "gradient");
        Assert.Null(gradient.Vector);
    }

    // The vector joins the timestep in every residual block, those before the first attention included.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheVectorsGradientIsThatOfAutograd(bool recompute)
    {
        using var reference = new ReferenceModel("tiny-sdxl");
        using var scope = NewDisposeScope();
        var (unet, sample, timesteps, context, vector) = Model(reference, 8, 8);
        using var random = new Generator(11);
        var direction = randn([2, 4, 8, 8], generator: random);
        var (text, whole) = (context.clone().requires_grad_(), vector!.clone().requires_grad_());
        var expected = autograd.grad([unet.Forward(sample, timesteps, new Conditioning(text, whole))], [text, whole], [direction]);

        using var checkpointed = new DifferentiableUNet(unet, sample, timesteps, vector, recompute: recompute, differentiateVector: true);
        using var pass = checkpointed.Forward(context);
        var gradient = pass.Backward(direction);

        AssertClose(expected[0], gradient.Text, 1e-5, "gradient of the text");
        AssertClose(expected[1], gradient.Vector!, 1e-5, "gradient of the vector");
    }

    [Fact]
    public void PassesOfOneUNetDoNotDisturbEachOther()
    {
        using var reference = new ReferenceModel("tiny-sd21");
        using var scope = NewDisposeScope();
        var (unet, sample, timesteps, context, _) = Model(reference, 8, 8);
        var direction = ones(2, 4, 8, 8);
        using var checkpointed = new DifferentiableUNet(unet, sample, timesteps);

        using var first = checkpointed.Forward(context);
        using var second = checkpointed.Forward(context * 2);
        using var again = checkpointed.Forward(context);
        var (a, b, c) = (first.Backward(direction).Text, second.Backward(direction).Text, again.Backward(direction).Text);

        AssertClose(a, c, 1e-6, "the same text twice");
        Assert.True((a - b).abs().max().item<float>() > 1e-3 * a.abs().max().item<float>());
        Assert.Throws<InvalidOperationException>(() => first.Backward(direction));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NothingIsLeftBehind(bool recompute)
    {
        using var reference = new ReferenceModel("tiny-sd21");
        using var scope = NewDisposeScope();
        var (unet, sample, timesteps, context, _) = Model(reference, 8, 8);
        var direction = ones(2, 4, 8, 8);
        Once(backward: true);
        var before = Live();

        Once(backward: true);
        Once(backward: false);

        Assert.Equal(before, Live());

        (long, int) Live() => (DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount, scope.DisposablesView.Count());

        void Once(bool backward)
        {
            using var checkpointed = new DifferentiableUNet(unet, sample, timesteps, recompute: recompute);
            using var pass = checkpointed.Forward(context);
            if (backward)
                pass.Backward(direction).Dispose();
        }
    }

    private static (UNet2DConditionModel UNet, Tensor Sample, Tensor Timesteps, Tensor Context, Tensor? Vector) Model(ReferenceModel reference, int height, int width)
    {
        using var random = new Generator(3);
        var unet = new UNet2DConditionModel(UNetConfig.FromFile(reference.Config("unet")), reference.Stored("unet").Root);
        return (unet, randn([2, 4, height, width], generator: random), tensor(new long[] { 321 }),
            randn([2, 77, unet.Config.CrossAttentionDim], generator: random),
            unet.Config.Vector is { } vector ? randn([2, vector.Width], generator: random) : null);
    }
}
