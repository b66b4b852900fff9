using PromptToPrompt.Studio.Pages;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class LabelsTests
{
    [Theory]
    [InlineData("Steps", "Steps")]
    [InlineData("ClipSkip", "Clip skip")]
    [InlineData("Sampler", "Sampler")]
    [InlineData("Negative", "What it should not show")]
    [InlineData("CrossSteps", "Words look where they did")]
    public void ASettingHasALabel(string setting, string label) => Assert.Equal(label, Labels.OfSetting(setting));
}
