using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Native.Numerics;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Native.Numerics;

public sealed class LinearChoiceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private int measurements;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0.8, false)]
    [InlineData(1.39, false)]
    [InlineData(1.4, true)]
    [InlineData(1.8, true)]
    [InlineData(double.NaN, false)]
    public void OneDnnMustBeClearlyFaster(double advantage, bool isChosen) =>
        Assert.Equal(isChosen ? LinearLibrary.OneDnn : LinearLibrary.Mkl, Decide("a", advantage));

    [Fact]
    public void OneMeasurementIsNotEnoughForOneDnn()
    {
        var advantages = new Queue<double>([1.8, 1.1]);
        Assert.Equal(LinearLibrary.Mkl, LinearChoice.Decide("a", folder[""], advantages.Dequeue, () => true));
        Assert.Empty(advantages);
    }

    [Fact]
    public void OneDnnMustBeRight() => Assert.Equal(LinearLibrary.Mkl, LinearChoice.Decide("a", folder[""], () => 2, () => false));

    [Theory]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public void TheFirstMeasurementDecidesForGood(double first, double second)
    {
        var chosen = Decide("a", first);
        var once = measurements;
        Assert.Equal(chosen, Decide("a", second));
        Assert.Equal(once, measurements);
        Assert.NotEqual(chosen, Decide("b", second));
    }

    [Fact]
    public void OfProcessesThatMeasureAtTheSameTimeTheFirstDecidesForAll()
    {
        var chosen = LinearChoice.Decide("a", folder[""], () =>
        {
            Assert.Equal(LinearLibrary.OneDnn, Decide("a", 2));
            return 1;
        }, () => true);
        Assert.Equal(LinearLibrary.OneDnn, chosen);
    }

    [Fact]
    public void ADamagedRecordIsReplaced()
    {
        Decide("a", 2);
        File.WriteAllText(folder[folder.Files.Single()], "OneD");
        Assert.Equal(LinearLibrary.Mkl, Decide("a", 1));
        var measured = measurements;
        Assert.Equal(LinearLibrary.Mkl, Decide("a", 2));
        Assert.Equal(measured, measurements);
    }

    [Fact]
    public void WithoutACacheMklRemains()
    {
        Assert.Equal(LinearLibrary.Mkl, LinearChoice.Decide("a", null, () => 2, () => true));
        var file = folder["file"];
        File.WriteAllText(file, "in the way");
        Assert.Equal(LinearLibrary.Mkl, LinearChoice.Decide("a", Path.Combine(file, "cache"), () => 2, () => true));
    }

    [Fact]
    public void WhereOneDnnIsWrongOrNothingIsRightMklRemains()
    {
        Assert.Equal(LinearLibrary.Mkl, LinearChoice.Decide(NumericsVerdict.RightWithoutOneDnn));
        Assert.Equal(LinearLibrary.Mkl, LinearChoice.Decide(NumericsVerdict.Ignored));
    }

    [Fact]
    public void BothLibrariesAreMeasured()
    {
        MachineNumerics.Require(CPU);
        Assert.InRange(LinearChoice.Advantage(), 0.05, 20);
    }

    private LinearLibrary Decide(string facts, double advantage) => LinearChoice.Decide(facts, folder[""], () =>
    {
        measurements++;
        return advantage;
    }, () => true);
}
