using Mono.Cecil;
using Mono.Cecil.Cil;

namespace PromptToPrompt.Architecture.Tests;

/// <summary>What an assembly says in errors, found in its IL: the names of settings that it hands to <c>InvalidInputException</c>.</summary>
internal static class ErrorTexts
{
    private const string Exception = "PromptToPrompt.Diffusion.InvalidInputException";
    private const string Setting = "setting";

    /// <summary>The settings that some assemblies' errors name, with the methods that name them. A setting is null where it is not a constant.</summary>
    public static IReadOnlyList<(string? Setting, string Method)> Settings(params IEnumerable<string> assemblies)
    {
        MethodDefinition[] methods = [.. assemblies.SelectMany(Methods)];
        var found = new List<(string?, string)>();
        // Methods that pass a parameter of their own on, such as WordPlaces.RequireIn, name settings where they are called.
        var passing = new Dictionary<string, HashSet<int>>(StringComparer.Ordinal);
        for (var before = -1; before != passing.Sum(method => method.Value.Count);)
        {
            before = passing.Sum(method => method.Value.Count);
            found.Clear();
            foreach (var method in methods.Where(method => method.DeclaringType.FullName != Exception))
            {
                foreach (var value in new ConstantStack(method).Arguments(call => SettingsOf(call, passing)))
                {
                    if (value is ParameterDefinition parameter)
                        (passing.TryGetValue(method.FullName, out var indexes) ? indexes : passing[method.FullName] = []).Add(parameter.Index);
                    else
                        found.Add((value as string, $"{method.DeclaringType.FullName}.{method.Name}"));
                }
            }
        }

        return found;
    }

    /// <summary>The string literals of an assembly, with the types that have them. Interpolated strings are several.</summary>
    public static IEnumerable<(string Text, string Type)> Literals(string assembly) =>
        from method in Methods(assembly)
        from instruction in method.Body.Instructions
        where instruction.OpCode.Code == Code.Ldstr
        select ((string)instruction.Operand, Outermost(method.DeclaringType).FullName);

    private static IEnumerable<int> SettingsOf(MethodReference call, Dictionary<string, HashSet<int>> passing) =>
        call.DeclaringType.FullName == Exception ? call.Resolve().Parameters.Where(parameter => parameter.Name == Setting).Select(parameter => parameter.Index)
        : passing.GetValueOrDefault(call.FullName) ?? [];

    private static TypeDefinition Outermost(TypeDefinition type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static IEnumerable<MethodDefinition> Methods(string assembly) =>
        NativeScalarTests.Read(assembly).GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody);
}

/// <summary>
/// Follows string constants and parameters over the evaluation stack of a method, from its first instruction to its last: what the compiler
/// makes of an expression is never reached backwards only.
/// </summary>
internal sealed class ConstantStack(MethodDefinition method)
{
    private readonly Dictionary<Instruction, object?[]> atTargets = [];
    private List<object?> stack = [];

    /// <summary>The arguments that calls of the method give to some parameters: a string, a parameter of the method, or null for anything else.</summary>
    /// <param name="wanted">The indexes of a callee's parameters.</param>
    public IReadOnlyList<object?> Arguments(Func<MethodReference, IEnumerable<int>> wanted)
    {
        var found = new List<object?>();
        foreach (var handler in method.Body.ExceptionHandlers)
        {
            foreach (var start in new[] { handler.HandlerStart, handler.FilterStart }.OfType<Instruction>())
                atTargets[start] = handler.HandlerType is ExceptionHandlerType.Catch or ExceptionHandlerType.Filter ? [null] : [];
        }

        foreach (var instruction in method.Body.Instructions)
        {
            if (atTargets.TryGetValue(instruction, out var known))
                stack = [.. known];
            if (instruction.Operand is MethodReference call && instruction.OpCode.FlowControl == FlowControl.Call)
            {
                var first = stack.Count - call.Parameters.Count;
                found.AddRange(wanted(call).Select(index => stack[first + index]));
            }

            Step(instruction);
        }

        return found;
    }

    private void Step(Instruction instruction)
    {
        var code = instruction.OpCode;
        var top = stack.Count > 0 ? stack[^1] : null;
        Pop(Popped(instruction));
        var value = code.Code switch
        {
            Code.Ldstr => instruction.Operand,
            Code.Ldarg or Code.Ldarg_S => instruction.Operand,
            Code.Ldarg_0 or Code.Ldarg_1 or Code.Ldarg_2 or Code.Ldarg_3 => Parameter(code.Code - Code.Ldarg_0),
            Code.Dup => top,
            _ => null,
        };
        for (var k = Pushed(instruction); k > 0; k--)
            stack.Add(value);
        foreach (var target in instruction.Operand switch { Instruction one => [one], Instruction[] several => several, _ => Array.Empty<Instruction>() })
            Remember(target);
        // What follows is reached from elsewhere; by a jump that came before it, or with nothing on the stack.
        if (code.FlowControl is FlowControl.Branch or FlowControl.Return or FlowControl.Throw)
            stack = [];
    }

    // Where two ways meet, a constant is one only where both have it.
    private void Remember(Instruction target) =>
        atTargets[target] = atTargets.TryGetValue(target, out var known) && known.Length == stack.Count
            ? [.. known.Zip(stack, (a, b) => Equals(a, b) ? a : null)]
            : [.. stack];

    private ParameterDefinition? Parameter(int index) =>
        method.HasThis ? (index == 0 ? null : method.Parameters[index - 1]) : method.Parameters[index];

    private void Pop(int count)
    {
        if (count < 0 || count > stack.Count)
            stack.Clear();
        else
            stack.RemoveRange(stack.Count - count, count);
    }

    private int Popped(Instruction instruction) => instruction.OpCode.StackBehaviourPop switch
    {
        StackBehaviour.Pop0 => 0,
        StackBehaviour.Pop1 or StackBehaviour.Popi or StackBehaviour.Popref => 1,
        StackBehaviour.Pop1_pop1 or StackBehaviour.Popi_pop1 or StackBehaviour.Popi_popi or StackBehaviour.Popi_popi8 or StackBehaviour.Popi_popr4
            or StackBehaviour.Popi_popr8 or StackBehaviour.Popref_pop1 or StackBehaviour.Popref_popi => 2,
        StackBehaviour.PopAll => -1,
        StackBehaviour.Varpop when instruction.Operand is MethodReference call =>
            call.Parameters.Count + (call.HasThis && instruction.OpCode.Code != Code.Newobj ? 1 : 0),
        StackBehaviour.Varpop => method.ReturnType.FullName == "System.Void" ? 0 : 1,
        _ => 3,
    };

    private static int Pushed(Instruction instruction) => instruction.OpCode.StackBehaviourPush switch
    {
        StackBehaviour.Push0 => 0,
        StackBehaviour.Push1_push1 => 2,
        StackBehaviour.Varpush => instruction.Operand is MethodReference { ReturnType.FullName: not "System.Void" } ? 1 : 0,
        _ => 1,
    };
}
