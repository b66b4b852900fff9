using PromptToPrompt.Diffusion.Vae;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Vae;

public sealed class TiledPassTests
{
    // What a network does place by place, tiles do not change.
    [Theory]
    [InlineData(40, 56, 1)]
    [InlineData(16, 41, 1)]
    [InlineData(17, 16, 4)]
    [InlineData(100, 33, 2)]
    public void TilesJoinWithoutSeams(int height, int width, int up)
    {
        using var scope = NewDisposeScope();
        var calls = 0;
        var input = randn([2, 3, height, width], generator: new Generator(1, CPU));
        Tensor Network(Tensor x)
        {
            calls++;
            Assert.True(x.shape[2] <= 16 && x.shape[3] <= 16);
            return (x * 2).repeat_interleave(up, 2).repeat_interleave(up, 3);
        }

        var output = new TiledPass(16, 4, up, 1).Run(input, Network);

        Assert.True(calls > 1);
        Assert.True(output.allclose((input * 2).repeat_interleave(up, 2).repeat_interleave(up, 3), atol: 1e-5));
    }

    [Fact]
    public void TilesShrinkTooAndFadeIntoEachOther()
    {
        using var scope = NewDisposeScope();
        var input = randn([1, 1, 64, 48], generator: new Generator(1, CPU));
        Tensor Mean(Tensor x) => nn.functional.avg_pool2d(x, 4);
        Assert.True(new TiledPass(32, 8, 1, 4).Run(input, Mean).allclose(Mean(input), atol: 1e-5));
        // Each tile says its own number; between two tiles the numbers pass gradually.
        var number = 0;
        var steps = new TiledPass(32, 8, 1, 1).Run(input, x => full_like(x, number++))[0, 0, 0];
        Assert.Equal(0, steps[0].ToSingle());
        Assert.Equal(1, steps[47].ToSingle());
        Assert.True((steps.slice(0, 1, 48, 1) - steps.slice(0, 0, 47, 1)).max().ToSingle() < 0.2);
    }

    [Fact]
    public void SmallMapsAreOneTile()
    {
        using var input = zeros(1, 1, 16, 16);
        Assert.Same(input, new TiledPass(16, 4, 1, 1).Run(input, x => x));
    }
}
