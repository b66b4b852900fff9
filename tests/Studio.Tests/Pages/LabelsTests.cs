using PromptToPrompt.Studio.Pages;

namespace PromptToPrompt.Studio.Tests.Pages;

public sealed class LabelsTests
{
    [Theory]
    [InlineData("Steps", "Steps")]
    [InlineData("ClipSkip", "Clip skip")]
    [InlineData("Scheduler", "Scheduler")]
    [InlineData("Negative", "Negative prompt")]
    [InlineData("CrossSteps", "Keep each word where it was")]
    public void ASettingHasALabel(string setting, string label) => Assert.Equal(label, Labels.OfSetting(setting));
}
