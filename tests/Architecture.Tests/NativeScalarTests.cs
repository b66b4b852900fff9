using Mono.Cecil;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Architecture.Tests;

public sealed class NativeScalarTests
{
    private const string Message = "Its native scalar can be freed while libtorch reads it; use NativeScalar.";
    private const string NativeScalar = "PromptToPrompt.Diffusion.Native.NativeScalar.";

    private static readonly DefaultAssemblyResolver Resolver = Here();

    private static readonly Lazy<UnheldScalars> Unheld = new(() => new UnheldScalars(
        Resolver.Resolve(Read(Layers.Diffusion).AssemblyReferences.Single(reference => reference.Name == "TorchSharp")).MainModule));

    [Fact]
    public void WhatLeavesAScalarToTheGarbageCollectorIsBanned()
    {
        var banned = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "BannedSymbols.Scalars.txt"));
        string[] found = [.. Unheld.Value.Names.Select(name => $"{name};{Message}")];
        Assert.True(found.SequenceEqual(banned), string.Join('\n', [
            "eng/BannedSymbols.Scalars.txt is not what TorchSharp has. Add:", .. found.Except(banned), "Take away:", .. banned.Except(found), "Keep it sorted."]));
    }

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void NothingLeavesAScalarToTheGarbageCollector(string assembly) =>
        Assert.DoesNotContain(Unheld.Value.UsesIn(Read(assembly)), use => !use.User.StartsWith(NativeScalar, StringComparison.Ordinal));

    [Fact]
    public void UsesAreFoundWhereTheAnalyzerDoesNotLook()
    {
        var uses = Unheld.Value.UsesIn(Read(typeof(NativeScalarTests).Assembly.GetName().Name!)).ToList();
        Assert.Equal(2, uses.Count(use => use.Member == "M:TorchSharp.torch.Tensor.op_Addition(TorchSharp.torch.Tensor,TorchSharp.torch.Tensor)"));
        Assert.Single(uses, use => use.Member == "M:TorchSharp.torch.optim.Adam(System.Collections.Generic.IEnumerable{TorchSharp.Modules.Parameter},System.Double,System.Double,System.Double,System.Double,System.Double,System.Boolean,System.Boolean)");
        Assert.DoesNotContain(uses, use => use.User.EndsWith($".{nameof(Holds)}", StringComparison.Ordinal));
        Assert.Equal(3, uses.Count);
    }

    public static TheoryData<string> Assemblies() => [.. Layers.All, Layers.Benchmarks];

    // These are only read.
    internal static Tensor Adds(Tensor sum, Tensor one)
    {
        sum += one;
        return sum;
    }

    internal static Tensor AddsInside(Tensor[] parts) => parts.Aggregate((a, b) => a + b);

    internal static void Optimizes(TorchSharp.Modules.Parameter parameter) => optim.Adam([parameter]).step();

    internal static Tensor Holds(Tensor one)
    {
        using var half = 0.5.ToScalar();
        return (one * half) - one;
    }

    internal static ModuleDefinition Read(string assembly) => ModuleDefinition.ReadModule(
        Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll"), new ReaderParameters { AssemblyResolver = Resolver });

    private static DefaultAssemblyResolver Here()
    {
        var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(AppContext.BaseDirectory);
        return resolver;
    }
}
