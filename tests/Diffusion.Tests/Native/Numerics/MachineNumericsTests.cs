using PromptToPrompt.Diffusion.Native.Numerics;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Native.Numerics;

public sealed class MachineNumericsTests : IDisposable
{
    private static readonly NumericsReport Right = new([new NumericsComparison("convolution", "result", ScalarType.Float32, 1e-6)]);
    private static readonly NumericsReport Wrong = new([new NumericsComparison("convolution", "result", ScalarType.Float32, double.NaN)]);

    private readonly TemporaryFolder folder = new();
    private bool isOneDnnUsed = true;
    private int checks;

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ARightMachineIsCheckedOnce()
    {
        Assert.Equal(NumericsVerdict.Right, Decide("a", () => Right));
        Assert.Equal(NumericsVerdict.Right, Decide("a", () => Wrong));
        Assert.Equal(1, checks);
    }

    [Fact]
    public void AnotherProcessorLibraryOrDeviceIsCheckedAgain()
    {
        Decide("a", () => Right);
        Assert.Throws<WrongNumericsException>(() => Decide("b", () => Wrong));
    }

    [Fact]
    public void WhereTheFastKernelsAreWrongTheOthersAreUsedFromThenOn()
    {
        Assert.Equal(NumericsVerdict.RightWithoutOneDnn, Decide("a", () => isOneDnnUsed ? Wrong : Right));
        Assert.False(isOneDnnUsed);
        isOneDnnUsed = true;
        Assert.Equal(NumericsVerdict.RightWithoutOneDnn, Decide("a", () => isOneDnnUsed ? Wrong : Right));
        Assert.False(isOneDnnUsed);
        Assert.Equal(2, checks);
    }

    [Fact]
    public void WrongNumbersStopARunAndAreNotRemembered()
    {
        var message = Assert.Throws<WrongNumericsException>(() => Decide("a", () => Wrong)).Message;
        Assert.Contains("the result of convolution in float32 is NaN", message);
        Assert.Contains(MachineNumerics.IgnoreVariable, message);
        Assert.True(isOneDnnUsed);
        Assert.Equal(NumericsVerdict.Right, Decide("a", () => Right));
    }

    [Fact]
    public void ARunThatIgnoresWrongNumbersGoesOnWithThem()
    {
        Assert.Equal(NumericsVerdict.Ignored, Decide("a", () => Wrong, isIgnored: true));
        Assert.Equal(NumericsVerdict.Ignored, Decide("a", () => Wrong, isIgnored: true));
        Assert.Throws<WrongNumericsException>(() => Decide("a", () => Wrong));
    }

    [Fact]
    public void ACheckThatIsAskedForIsMadeAndWhatIsWrongNowIsForgotten()
    {
        Decide("a", () => Right);
        Assert.Throws<WrongNumericsException>(() => MachineNumerics.Decide("a", folder[""], Count(() => Wrong), UseOneDnn, isIgnored: false, isAsked: true));
        Assert.Throws<WrongNumericsException>(() => Decide("a", () => Wrong));
    }

    [Fact]
    public void ACheckForOtherFactsBeginsWithTheFastKernels()
    {
        Decide("a", () => isOneDnnUsed ? Wrong : Right);
        Assert.Equal(NumericsVerdict.Right, Decide("b", () => isOneDnnUsed ? Right : Wrong));
        Assert.True(isOneDnnUsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Ignored\na")]
    [InlineData("Right")]
    [InlineData("Right\nb")]
    [InlineData("Excellent\na")]
    public void ARecordThatDoesNotFitCountsForNothing(string text)
    {
        Decide("a", () => Right);
        File.WriteAllText(folder[folder.Files.Single()], text);
        Assert.Throws<WrongNumericsException>(() => Decide("a", () => Wrong));
    }

    [Fact]
    public void WithoutACacheEveryProcessChecks()
    {
        Assert.Equal(NumericsVerdict.Right, MachineNumerics.Decide("a", null, Count(() => Right), UseOneDnn, isIgnored: false));
        var file = folder["file"];
        File.WriteAllText(file, "in the way");
        Assert.Equal(NumericsVerdict.Right, MachineNumerics.Decide("a", Path.Combine(file, "cache"), Count(() => Right), UseOneDnn, isIgnored: false));
        Assert.Equal(2, checks);
    }

    [Fact]
    public void ThisMachineIsRight()
    {
        Assert.Equal(NumericsVerdict.Right, MachineNumerics.Require(CPU));
        Assert.Equal(NumericsVerdict.Right, MachineNumerics.Require(META));
    }

    private NumericsVerdict Decide(string facts, Func<NumericsReport> check, bool isIgnored = false) =>
        MachineNumerics.Decide(facts, folder[""], Count(check), UseOneDnn, isIgnored);

    private Func<NumericsReport> Count(Func<NumericsReport> check) => () =>
    {
        checks++;
        return check();
    };

    private bool UseOneDnn(bool isUsed)
    {
        isOneDnnUsed = isUsed;
        return true;
    }
}
