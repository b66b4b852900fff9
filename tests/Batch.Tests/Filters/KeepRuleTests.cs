using PromptToPrompt.Batch.Filters;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Tests.Filters;

public sealed class KeepRuleTests
{
    private static readonly Dictionary<string, double> Scores = new() { ["clip_image"] = 0.7, ["clip_text_source"] = 0.3, ["clip_text_target"] = 0.2, ["structure"] = 0.05 };

    [Theory]
    [InlineData("clip_image>=0.7", true)]
    [InlineData("clip_image > 0.7", false)]
    [InlineData("structure<0.06", true)]
    [InlineData("structure<=0.04", false)]
    [InlineData("clip_text>=0.2", true)]
    [InlineData("clip_text>=0.25", false)]
    public void ABoundHoldsOrNot(string rule, bool holds) => Assert.Equal(holds, KeepRule.Parse(rule).Holds(Scores));

    [Theory]
    [InlineData("clip_image", "is not valid")]
    [InlineData("clip_image>=much", "is not valid")]
    [InlineData("clip_image=0.7", "is not valid")]
    [InlineData("ssim>=NaN", "is not valid")]
    [InlineData("psnr<Infinity", "is not valid")]
    [InlineData("beauty>=0.7", "\"beauty\" is unknown. Use clip_image, ")]
    public void AnythingElseIsRefused(string rule, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidInputException>(() => KeepRule.Parse(rule)).Message, StringComparison.Ordinal);
}
