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

    [Fact]
    public void BoundsThemselvesAreAllowed() => Assert.All(Shares.Values, of => Assert.All([0.0, 1.0], share => of(share).Validate()));
}
