using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed class TorchChoiceTests
{
    private const string InEnvironment = "lib/python3.12/site-packages/torch";

    [Fact]
    public void WhatTheVariableNamesIsTaken()
    {
        using var named = new PretendTorch();
        using var active = new PretendTorch(package: InEnvironment);
        var choice = Choice(null, (TorchChoice.Variable, named.Package), ("VIRTUAL_ENV", active.Root));
        Assert.Equal(named.Libraries, choice.Installed()!.Folder);
    }

    [Fact]
    public void WhatTheVariableNamesIsNeverReplacedByAnother()
    {
        using var other = new PretendTorch("2.8.0");
        using var active = new PretendTorch(package: InEnvironment);
        var error = Assert.Throws<InvalidInputException>(() => Choice(null, (TorchChoice.Variable, other.Package), ("VIRTUAL_ENV", active.Root)).Installed());
        Assert.Contains($"{other.Libraries} is version 2.8.0; 2.10 or 2.11 is required", error.Message);
        Assert.Contains($"{TorchChoice.AnyVersionVariable}=1", error.Message);
        error = Assert.Throws<InvalidInputException>(() => Choice(null, (TorchChoice.Variable, active.Root)).Installed());
        Assert.Contains(active.Root, error.Message);
    }

    [Fact]
    public void AnotherVersionIsTriedOnRequestAlone()
    {
        using var other = new PretendTorch("2.8.0");
        Assert.Equal(other.Libraries, Choice(null, (TorchChoice.Variable, other.Package), (TorchChoice.AnyVersionVariable, "1")).Installed()!.Folder);
        Assert.Throws<InvalidInputException>(() => Choice(null, (TorchChoice.Variable, other.Package), (TorchChoice.AnyVersionVariable, "0")).Installed());
    }

    [Fact]
    public void AProgramWithItsOwnCannotTakeAnotherAndSaysSo()
    {
        using var named = new PretendTorch();
        var error = Assert.Throws<InvalidInputException>(() => Choice("libtorch_cpu.so", (TorchChoice.Variable, named.Package)).Installed());
        Assert.Contains("-p:TorchBackend=none", error.Message);
    }

    [Fact]
    public void AProgramWithPackagesLooksNoFurther()
    {
        using var active = new PretendTorch(package: InEnvironment);
        Assert.Null(Choice("libtorch_cpu.so", ("VIRTUAL_ENV", active.Root)).Installed());
    }

    [Fact]
    public void AProgramWithoutTakesTheFirstThatMatches()
    {
        using var virtualEnvironment = new PretendTorch("2.8.0", InEnvironment);
        using var conda = new PretendTorch(package: InEnvironment);
        Assert.Equal(conda.Libraries, Choice(null, ("VIRTUAL_ENV", virtualEnvironment.Root), ("CONDA_PREFIX", conda.Root)).Installed()!.Folder);
    }

    [Fact]
    public void AProgramWithoutSaysWhatItFoundAndWhereItLooked()
    {
        using var old = new PretendTorch("2.8.0", InEnvironment);
        Assert.Contains($"{old.Libraries} is version 2.8.0", Assert.Throws<LibTorchLoadException>(() => Choice(null, ("VIRTUAL_ENV", old.Root)).Installed()).Message);
        Assert.Contains("/no/such/place", Assert.Throws<LibTorchLoadException>(() => Choice(null, ("CONDA_PREFIX", "/no/such/place")).Installed()).Message);
    }

    [Fact]
    public void ThePythonInThePathTellsWherePackagesAre()
    {
        using var torch = new PretendTorch(package: InEnvironment);
        var programs = Directory.CreateDirectory(Path.Combine(torch.Root, "bin"));
        File.WriteAllText(Path.Combine(programs.FullName, "python3"), "never run");
        Assert.Equal(torch.Libraries, Choice(null, ("PATH", $"/no/such/place:{programs.FullName}/")).Installed()!.Folder);
    }

    private static TorchChoice Choice(string? own, params (string Name, string Value)[] environment) =>
        new(name => environment.FirstOrDefault(variable => variable.Name == name).Value, own);
}
