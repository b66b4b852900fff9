using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed class TorchChoiceTests
{
    private const string InEnvironment = "lib/python3.12/site-packages/torch";

    [Fact]
    public void What_the_variable_names_is_taken()
    {
        using var named = new PretendTorch();
        using var active = new PretendTorch(package: InEnvironment);
        var choice = Choice("none", (TorchChoice.Variable, named.Package), ("VIRTUAL_ENV", active.Root));
        Assert.Equal(named.Libraries, choice.Installed()!.Folder);
    }

    [Fact]
    public void What_the_variable_names_is_never_replaced_by_another()
    {
        using var other = new PretendTorch("2.8.0");
        using var active = new PretendTorch(package: InEnvironment);
        var error = Assert.Throws<InvalidInputException>(() => Choice("none", (TorchChoice.Variable, other.Package), ("VIRTUAL_ENV", active.Root)).Installed());
        Assert.Contains($"{other.Libraries} is version 2.8.0; wanted is 2.10.x", error.Message);
        error = Assert.Throws<InvalidInputException>(() => Choice("none", (TorchChoice.Variable, active.Root)).Installed());
        Assert.Contains(active.Root, error.Message);
    }

    [Fact]
    public void A_program_with_its_own_cannot_take_another_and_says_so()
    {
        using var named = new PretendTorch();
        var error = Assert.Throws<InvalidInputException>(() => Choice("cpu", (TorchChoice.Variable, named.Package)).Installed());
        Assert.Contains("-p:TorchBackend=none", error.Message);
    }

    [Fact]
    public void A_program_with_packages_looks_no_further()
    {
        using var active = new PretendTorch(package: InEnvironment);
        Assert.Null(Choice("cpu", ("VIRTUAL_ENV", active.Root)).Installed());
        Assert.Null(Choice("cuda", ("VIRTUAL_ENV", active.Root)).Installed());
    }

    [Fact]
    public void A_program_without_takes_the_first_that_matches()
    {
        using var virtualEnvironment = new PretendTorch("2.8.0", InEnvironment);
        using var conda = new PretendTorch(package: InEnvironment);
        Assert.Equal(conda.Libraries, Choice("none", ("VIRTUAL_ENV", virtualEnvironment.Root), ("CONDA_PREFIX", conda.Root)).Installed()!.Folder);
    }

    [Fact]
    public void A_program_without_says_what_it_found_and_where_it_looked()
    {
        using var old = new PretendTorch("2.8.0", InEnvironment);
        Assert.Contains($"{old.Libraries} is version 2.8.0", Assert.Throws<LibTorchLoadException>(() => Choice("none", ("VIRTUAL_ENV", old.Root)).Installed()).Message);
        Assert.Contains("/no/such/place", Assert.Throws<LibTorchLoadException>(() => Choice("none", ("CONDA_PREFIX", "/no/such/place")).Installed()).Message);
    }

    [Fact]
    public void The_python_in_the_path_tells_where_packages_are()
    {
        using var torch = new PretendTorch(package: InEnvironment);
        var programs = Directory.CreateDirectory(Path.Combine(torch.Root, "bin"));
        File.WriteAllText(Path.Combine(programs.FullName, "python3"), "never run");
        Assert.Equal(torch.Libraries, Choice("none", ("PATH", $"/no/such/place:{programs.FullName}/")).Installed()!.Folder);
    }

    private static TorchChoice Choice(string backend, params (string Name, string Value)[] environment) =>
        new(name => environment.FirstOrDefault(variable => variable.Name == name).Value, backend == "none" ? null : "libtorch_cpu.so", backend);
}
