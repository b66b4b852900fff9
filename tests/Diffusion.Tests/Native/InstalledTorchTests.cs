using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed class InstalledTorchTests
{
    [Fact]
    public void ThePackageAndItsLibrariesAreTheSameLibtorch()
    {
        using var torch = new PretendTorch();
        var installed = InstalledTorch.In(torch.Package)!;
        Assert.Equal(new InstalledTorch(torch.Libraries, "2.10.0+cpu"), installed);
        Assert.Equal(installed, InstalledTorch.In(torch.Libraries + "/"));
        Assert.Null(installed.Mismatch());
        Assert.Null(installed.Find("torch_cuda"));
    }

    [Fact]
    public void AnUnpackedArchiveStatesItsVersionInAnotherFile()
    {
        using var torch = new PretendTorch(version: null);
        File.WriteAllText(Path.Combine(torch.Package, "build-version"), "2.10.1+cu128\n");
        Assert.Null(InstalledTorch.In(torch.Package)!.Mismatch());
        Assert.Equal("2.10.1+cu128", InstalledTorch.In(torch.Package)!.Version);
    }

    [Theory]
    [InlineData("2.9.1+cu128")]
    [InlineData("2.12.0")]
    [InlineData("2.1.0")]
    [InlineData("2.100.0")]
    [InlineData("2.10.0a0+git1234")]
    [InlineData("2.10.0.dev20251001+cpu")]
    public void AnotherVersionDoesNotMatch(string version)
    {
        using var torch = new PretendTorch(version);
        Assert.Equal($"is version {version}; 2.10 or 2.11 is required", InstalledTorch.In(torch.Package)!.Mismatch());
    }

    [Theory]
    [InlineData("2.10.0+cpu")]
    [InlineData("2.11.0+cu128")]
    public void SupportedVersionsMatch(string version)
    {
        using var torch = new PretendTorch(version);
        Assert.Null(InstalledTorch.In(torch.Package)!.Mismatch());
    }

    [Theory]
    [InlineData("2.12.0")]
    [InlineData(null)]
    public void AnyVersionThatHasTheFunctionsCanBeTried(string? version)
    {
        using var torch = new PretendTorch(version);
        var installed = InstalledTorch.In(torch.Package)!;
        Assert.NotNull(installed.Mismatch());
        Assert.Null(installed.Mismatch(anyVersion: true));
        // A whole library with other functions.
        torch.Replace("torch_cpu", File.ReadAllBytes(NativeSearchPath.Find("c10")!));
        Assert.Matches($"^is version {version ?? "unknown"} and lacks _Z.*, which TorchSharp's library needs$", installed.Mismatch(anyVersion: true));
    }

    [Fact]
    public void AVersionThatIsNotStatedDoesNotMatch()
    {
        using var torch = new PretendTorch(version: null);
        Assert.Contains("states no version", InstalledTorch.In(torch.Package)!.Mismatch());
    }

    [Fact]
    public void PartOfALibraryIsDamageWhichIsSeenWithoutLoadingIt()
    {
        using var torch = new PretendTorch();
        torch.Replace("torch_cpu", File.ReadAllBytes(NativeSearchPath.Find("c10")!).AsSpan(0, 100_000));
        Assert.Contains("damaged libtorch_cpu.so", InstalledTorch.In(torch.Package)!.Mismatch());
        torch.Replace("torch_cpu", "no library"u8);
        Assert.Contains("damaged libtorch_cpu.so", InstalledTorch.In(torch.Package)!.Mismatch());
    }

    [Fact]
    public void AMissingLibraryAndTheOldABIDoNotMatch()
    {
        using var torch = new PretendTorch();
        // A whole library without the function that tells the ABI.
        torch.Replace("c10", File.ReadAllBytes(NativeSearchPath.Find("torch")!));
        Assert.Contains("C++11 ABI", InstalledTorch.In(torch.Package)!.Mismatch());
        File.Delete(Path.Combine(torch.Libraries, "libc10.so"));
        Assert.Contains("has no libc10.so", InstalledTorch.In(torch.Package)!.Mismatch());
    }

    [Fact]
    public void AFolderWithoutLibtorchHasNone()
    {
        using var torch = new PretendTorch();
        Assert.Null(InstalledTorch.In(torch.Root));
        Assert.Null(InstalledTorch.In(Path.Combine(torch.Root, "no-such-folder")));
    }
}
