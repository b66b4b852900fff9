using System.Text.Json;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>Runs of the command, built without libtorch, on a libtorch that lies elsewhere, as that of a PyTorch does.</summary>
[Trait("Category", "Process")]
public sealed class InstalledTorchTests : IClassFixture<ProgramWithoutTorch>, IDisposable
{
    private readonly ProgramWithoutTorch program;
    private readonly TemporaryFolder torch = new();
    private readonly string libraries;

    public InstalledTorchTests(ProgramWithoutTorch program)
    {
        this.program = program;
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the layout is that of Linux");
        libraries = Directory.CreateDirectory(torch["lib"]).FullName;
        foreach (var library in Directory.GetFiles(Path.GetDirectoryName(LibTorch.Describe().LibTorchPath)!, "lib*.so*"))
            File.CreateSymbolicLink(Path.Combine(libraries, Path.GetFileName(library)), library);
        Version("2.10.0+cpu");
    }

    [Fact]
    public void AMatchingOneIsTakenAndNamed()
    {
        using var json = JsonDocument.Parse(Run("doctor", "--json", "--model", EmbeddedModel.Folder()).Succeeded());
        Assert.Equal("2.10.0+cpu", json.RootElement.GetProperty("libtorch").GetString());
        Assert.Equal(Path.Combine(libraries, "libtorch_cpu.so"), json.RootElement.GetProperty("libtorch file").GetString());
        Assert.Contains("supports only the CPU", json.RootElement.GetProperty("no CUDA because").GetString());
    }

    [Fact]
    public void AnEditRunsOnIt()
    {
        using var output = new TemporaryFolder();
        Run("edit", "a red house", "a blue house", "--model", EmbeddedModel.Folder(), "--steps", "2", "-o", output.Path).Succeeded();
        Assert.True(File.Exists(output["edit-1.png"]));
    }

    [Fact]
    public void AnotherVersionIsRefusedWithOneLine()
    {
        Version("2.9.1+cpu");
        Assert.Contains("is version 2.9.1+cpu; 2.10 or 2.11 is required", Run("generate", "a house", "--model", EmbeddedModel.Folder()).FailedWith(2));
    }

    [Fact]
    public void AFolderWithoutOneIsRefusedWithOneLine()
    {
        Directory.Delete(libraries, recursive: true);
        Assert.Contains("P2P_LIBTORCH is", Run("generate", "a house", "--model", EmbeddedModel.Folder()).FailedWith(2));
    }

    [Fact]
    public void ABrokenLibraryIsRefusedWithOneLineAndTheProcessLives()
    {
        var path = Path.Combine(libraries, "libtorch_cpu.so");
        var whole = File.ReadAllBytes(Path.Combine(libraries, "libc10.so"));
        File.Delete(path);
        File.WriteAllBytes(path, whole.AsSpan(0, whole.Length / 2));
        Assert.Contains("damaged libtorch_cpu.so", Run("generate", "a house", "--model", EmbeddedModel.Folder()).FailedWith(2));
        // Whole, and without what the others need: only the system's loader sees that.
        File.WriteAllBytes(path, whole);
        Assert.Contains("cannot be loaded (loader:", Run("generate", "a house", "--model", EmbeddedModel.Folder()).FailedWith(1));
    }

    [Fact]
    public void AProgramWithItsOwnRefusesAnother()
    {
        var error = P2P.RunIn(Environment(), "generate", "a house", "--model", EmbeddedModel.Folder()).FailedWith(2);
        Assert.Contains("-p:TorchBackend=none", error);
    }

    public void Dispose() => torch.Dispose();

    private void Version(string version) => File.WriteAllText(torch["version.py"], $"__version__ = '{version}'\n");

    private Dictionary<string, string> Environment() => new() { ["P2P_LIBTORCH"] = torch.Path };

    private Outcome Run(params string[] arguments) => P2P.RunOf(program.Path, Environment(), arguments);
}
