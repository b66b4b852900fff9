using PromptToPrompt.Diffusion.Native;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed class LibTorchTests
{
    [Fact]
    public void SeedZeroGivesTheNumbersOfPyTorch()
    {
        LibTorch.EnsureLoaded();
        using var generator = new Generator(0);
        using var sample = randn(4, generator: generator);
        float[] expected = [1.5410f, -0.2934f, -2.1788f, 0.5684f];
        Assert.Equal(expected, sample.data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void DescribeNamesTheFilesInUse()
    {
        var facts = LibTorch.Describe();
        Assert.Equal("0.107.0", facts.TorchSharpVersion);
        Assert.StartsWith("2.10.0", facts.LibTorchVersion);
        Assert.True(facts.Threads > 0);
        Assert.True(File.Exists(facts.LibTorchPath));
        Assert.NotNull(facts.WrapperPath);
        if (OperatingSystem.IsLinux())
            Assert.Contains(facts.CpuCapability, new[] { "DEFAULT", "NO AVX", "AVX2", "AVX512" });
    }

    [Fact]
    public void NoFolderOfCopiedLibrariesAppears() =>
        Assert.False(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "cpu")));
}
