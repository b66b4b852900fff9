using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Diffusion.Tests.Storage.Hub;

public sealed class HubRepositoryTests
{
    [Theory]
    [InlineData("stable-diffusion-v1-5/stable-diffusion-v1-5")]
    [InlineData("stabilityai/stable-diffusion-xl-base-1.0")]
    [InlineData("A_b/c.d")]
    public void NamesBecomeFoldersAndBack(string name)
    {
        var repository = HubRepository.Parse(name);
        Assert.Equal($"models--{name.Replace("/", "--", StringComparison.Ordinal)}", repository.FolderName);
        Assert.Equal(repository, HubRepository.OfFolder(repository.FolderName));
    }

    [Theory]
    [InlineData("")]
    [InlineData("name")]
    [InlineData("a/b/c")]
    [InlineData("../b")]
    [InlineData("a/..")]
    [InlineData("a/b--c")]
    [InlineData("a/.b")]
    [InlineData("a/b c")]
    [InlineData("/b")]
    [InlineData("a/b?c")]
    public void OtherTextsAreNoNames(string text)
    {
        Assert.False(HubRepository.TryParse(text, out _));
        Assert.Contains("OWNER/NAME", Assert.Throws<InvalidInputException>(() => HubRepository.Parse(text)).Message);
    }
}
