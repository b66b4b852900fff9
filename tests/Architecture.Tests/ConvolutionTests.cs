using Mono.Cecil;
using Mono.Cecil.Cil;

namespace PromptToPrompt.Architecture.Tests;

public sealed class ConvolutionTests
{
    private const string Convolution = "PromptToPrompt.Diffusion.Common.Convolution";

    /// <summary>On some processors libtorch's convolutions are wrong for channels that fill no whole group; that class leaves none so.</summary>
    [Fact]
    public void OnlyOneClassCallsLibtorchsConvolutions()
    {
        var callers = Layers.All.Append(Layers.Benchmarks).SelectMany(Callers).ToList();
        Assert.Contains(Convolution, callers);
        Assert.All(callers, caller => Assert.Equal(Convolution, caller));
    }

    private static IEnumerable<string> Callers(string assembly)
    {
        using var module = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll"));
        return
        [
            .. from type in module.GetTypes()
               from method in type.Methods
               where method.HasBody
               from instruction in method.Body.Instructions
               where instruction.OpCode.FlowControl == FlowControl.Call && instruction.Operand is MethodReference called && IsConvolution(called)
               select type.FullName,
        ];
    }

    private static bool IsConvolution(MethodReference called) =>
        called.DeclaringType.FullName.StartsWith("TorchSharp.torch", StringComparison.Ordinal)
        && called.Name.StartsWith("conv", StringComparison.OrdinalIgnoreCase) && called.Name is not "convert";
}
