using PromptToPrompt.Diffusion;
using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Editing.Tests.Attention;

public sealed class EditRequestTests
{
    private static readonly Dictionary<string, Func<double, EditRequest>> Shares = new()
    {
        ["BlendThreshold"] = share => new() { BlendThreshold = share },
        ["BlendSubtractThreshold"] = share => new() { BlendSubtractThreshold = share },
        ["BlendStart"] = share => new() { BlendStart = share },
    };

    public static TheoryData<string, double> OutOfRange => [.. Shares.Keys.SelectMany(name => new[] { -0.1, 1.1, double.NaN }, (name, share) => (name, share))];

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void ANumberOutOfRangeIsRefusedByName(string setting, double share) =>
        Assert.Equal(setting, Assert.Throws<InvalidInputException>(Shares[setting](share).Validate).Setting);

    [Theory]
    [InlineData(-1)]
    [InlineData(16385)]
    [InlineData(46341)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void AResolutionOutOfRangeIsRefusedByName(int resolution) => Assert.Equal(
        nameof(EditRequest.SelfResolution), Assert.Throws<InvalidInputException>(new EditRequest { SelfResolution = resolution }.Validate).Setting);

    [Fact]
    public void ResolutionsWithinBoundsAreAllowed() => Assert.All([0, 1, 16384], resolution => new EditRequest { SelfResolution = resolution }.Validate());

    [Fact]
    public void BoundsThemselvesAreAllowed() => Assert.All(Shares.Values, of => Assert.All([0.0, 1.0], share => of(share).Validate()));
}
