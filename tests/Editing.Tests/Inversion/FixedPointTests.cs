using PromptToPrompt.Editing.Inversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

public sealed class FixedPointTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    [Fact]
    public void OneEvaluationIsTheFunction() => Assert.Equal(3, FixedPoint.Solve(x => x + 2, ones(1), 1).item<float>());

    // A linear function of n dimensions is solved by n + 1 differences; 1 dimension by two evaluations, even where plain iteration runs away.
    [Theory]
    [InlineData(0.5)]
    [InlineData(-0.9)]
    [InlineData(-3)]
    public void ALinearFunctionOfOneNumberIsSolvedByTwoEvaluations(double slope) =>
        Assert.Equal(2 / (1 - slope), FixedPoint.Solve(x => (x * slope) + 2, zeros(1), 2).item<float>(), 1e-4);

    [Fact]
    public void ItIsNearerThanPlainIteration()
    {
        // Nearly linear, and contracts slowly in some directions.
        var slopes = linspace(-0.6, 0.85, 12);
        Tensor Map(Tensor x) => (x * slopes) + 1 + (x.sin() * 0.05);
        var exact = zeros(12);
        for (var i = 0; i < 500; i++)
            exact = Map(exact);
        var plain = zeros(12);
        for (var i = 0; i < 12; i++)
            plain = Map(plain);
        var solved = FixedPoint.Solve(Map, zeros(12), 12);
        Assert.True(Error(solved) < 0.3 * Error(plain), $"{Error(solved)} {Error(plain)}");

        double Error(Tensor x) => (x - exact).norm().item<float>();
    }

    [Fact]
    public void AFixedPointStaysOne()
    {
        var start = randn([1, 4, 3, 3], generator: new Generator(1));
        Assert.Equal(0, (FixedPoint.Solve(x => x.clone(), start, 5) - start).abs().max().item<float>());
    }

    public void Dispose() => scope.Dispose();
}
