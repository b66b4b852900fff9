using PromptToPrompt.Diffusion.Common;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Storybook.Training;
using static TorchSharp.torch;

namespace PromptToPrompt.Storybook.Tests.Training;

public sealed class FlatParametersTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void LearnsInEitherTypeWithAFloat32State(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var parameters = Create(type, out var map);
        var (input, wanted) = (randn([16, 4]), randn([16, 3]));
        var losses = Enumerable.Range(0, 60).Select(_ => Descend(parameters, map, input, wanted, type)).ToList();
        Assert.True(losses[^1] < losses[0] / 1.2, $"{losses[0]} to {losses[^1]}");
        Assert.Equal(60, parameters.Steps);
        Assert.All(parameters.State().Where(one => one.Key != "steps"), one => Assert.Equal(ScalarType.Float32, one.Value.dtype));
        Assert.Equal(type, parameters.Leaf("map.weight").dtype);
    }

    [Fact]
    public void AGradientWithNaNCountsAsZero()
    {
        using var scope = NewDisposeScope();
        using var parameters = Create(ScalarType.Float32, out var map);
        var before = parameters.Leaf("map.weight").detach().clone();
        Descend(parameters, map, full([2, 4], float.NaN), zeros(2, 3), ScalarType.Float32);
        AssertClose(before, parameters.Leaf("map.weight").detach(), 0);
        Descend(parameters, map, ones(2, 4), zeros(2, 3), ScalarType.Float32);
        Assert.True(parameters.Leaf("map.weight").isfinite().all().item<bool>());
        AssertDiffers(before, parameters.Leaf("map.weight").detach(), 1e-6);
    }

    [Fact]
    public void AFirstStepIsAdamWs()
    {
        using var scope = NewDisposeScope();
        using var parameters = Create(ScalarType.Float32, out var map);
        var before = parameters.Leaf("map.weight").detach().clone();
        Descend(parameters, map, ones(2, 4), full([2, 3], 9f), ScalarType.Float32);
        // After one step the moments are the gradient and its square: each weight moves by the rate against the gradient's sign.
        AssertClose(before + 0.01, parameters.Leaf("map.weight").detach(), 1e-4);
    }

    [Fact]
    public void FrozenWeightsPassGradientsOnWithoutReceivingAny()
    {
        using var scope = NewDisposeScope();
        using var parameters = Create(ScalarType.Float32, out var map);
        var input = ones(2, 4).requires_grad_(true);
        parameters.Frozen(() => map.Forward(input)).sum().backward();
        Assert.True(input.grad!.abs().sum().item<float>() > 0);
        var before = parameters.Leaf("map.weight").detach().clone();
        parameters.Step(0.1, weightDecay: 0);
        AssertClose(before, parameters.Leaf("map.weight").detach(), 0);
    }

    private static FlatParameters Create(ScalarType type, out Linear map)
    {
        using var generator = new Generator(2, CPU);
        using var initial = new InitialWeights(generator);
        _ = new Linear(initial.Root["map"], 4, 3);
        var parameters = new FlatParameters(initial, new(CPU, type));
        map = new Linear(parameters.Source.Root["map"], 4, 3);
        return parameters;
    }

    private static double Descend(FlatParameters parameters, Linear map, Tensor input, Tensor wanted, ScalarType type)
    {
        var loss = (map.Forward(input.to(type)).to(ScalarType.Float32) - wanted).pow(2).mean();
        loss.backward();
        parameters.Step(0.01, weightDecay: 0);
        return loss.item<float>();
    }
}
