using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace PromptToPrompt.Architecture.Tests;

/// <summary>
/// The members of TorchSharp that hand libtorch a native scalar which nothing holds, so that a garbage collection can free it before it is
/// read: those that make a scalar and do not dispose of it in a finally block, and those that reach such a one. Found in the IL. A virtual
/// member counts against the constructors of its type, since a call of it does not say which one it reaches.
/// </summary>
internal sealed class UnheldScalars
{
    private const string Scalar = "TorchSharp.Scalar";

    private readonly HashSet<IMemberDefinition> members = [];

    public UnheldScalars(ModuleDefinition torchSharp)
    {
        var methods = torchSharp.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody).ToList();
        var users = methods.SelectMany(method => Used(method).Select(use => (use.Member, method))).ToLookup(pair => pair.Member, pair => pair.method);
        var next = new Queue<IMemberDefinition>();
        foreach (var method in methods.Where(method => MakesScalar(method) || Used(method).Any(use => use.MakesScalar)))
            Add(method);
        while (next.TryDequeue(out var member))
        {
            foreach (var user in users[member])
                Add(user);
            if (member is MethodDefinition { IsVirtual: true, Name: not (nameof(ToString) or nameof(Equals) or nameof(GetHashCode)) })
            {
                foreach (var constructor in member.DeclaringType.Methods.Where(method => method.IsConstructor && !method.IsStatic))
                    Add(constructor);
            }

            if (member is MethodDefinition { IsConstructor: true, IsStatic: true } initializer)
            {
                foreach (var field in initializer.Body.Instructions.Where(i => i.OpCode.Code == Code.Stsfld).Select(i => ((FieldReference)i.Operand).Resolve()))
                    Add(field);
            }
        }

        void Add(IMemberDefinition member)
        {
            if (members.Add(member))
                next.Enqueue(member);
        }
    }

    /// <summary>What other assemblies can name, as it is written in documentation comments and lists of banned symbols.</summary>
    public IEnumerable<string> Names => members.Where(IsVisible).Select(Name).Distinct().Order(StringComparer.Ordinal);

    /// <summary>Who in an assembly uses them, and which.</summary>
    public IEnumerable<(string User, string Member)> UsesIn(ModuleDefinition module) =>
        from method in module.GetTypes().SelectMany(type => type.Methods)
        where method.HasBody
        from use in Used(method)
        where members.Contains(use.Member)
        select ($"{method.DeclaringType.FullName}.{method.Name}", Name(use.Member));

    /// <summary>The members of TorchSharp that a method names, but for scalars that it makes and holds.</summary>
    private static List<(IMemberDefinition Member, bool MakesScalar)> Used(MethodDefinition method)
    {
        var body = method.Body;
        body.SimplifyMacros();
        var used = new List<(IMemberDefinition, bool)>();
        foreach (var instruction in body.Instructions)
        {
            if (instruction.Operand is not MemberReference { DeclaringType: { } type } reference || type.GetElementType().Scope.Name is not ("TorchSharp" or "TorchSharp.dll"))
                continue;
            if (reference.Resolve() is not { } member)
                continue;
            var makes = member is MethodDefinition made && MakesScalar(made);
            if (!makes || !IsHeld(body, instruction.Next))
                used.Add((member, makes));
        }

        return used;
    }

    private static bool MakesScalar(MethodDefinition method) =>
        method.ReturnType.FullName == Scalar || (method.IsConstructor && method.DeclaringType.FullName == Scalar);

    private static bool IsHeld(MethodBody body, Instruction store) =>
        store.OpCode.Code == Code.Stloc && body.ExceptionHandlers.Any(handler => handler.HandlerType == ExceptionHandlerType.Finally
            && Until(handler.HandlerStart, handler.HandlerEnd).Any(i => i.OpCode.Code == Code.Ldloc && i.Operand == store.Operand));

    private static IEnumerable<Instruction> Until(Instruction? from, Instruction? end)
    {
        for (var i = from; i is not null && i != end; i = i.Next)
            yield return i;
    }

    private static string Name(IMemberDefinition member) => DocCommentId.GetDocCommentId(
        member is MethodDefinition { SemanticsAttributes: MethodSemanticsAttributes.Getter or MethodSemanticsAttributes.Setter } accessor
            ? accessor.DeclaringType.Properties.Single(property => property.GetMethod == accessor || property.SetMethod == accessor)
            : member);

    private static bool IsVisible(IMemberDefinition member) => IsVisible(member.DeclaringType) && member switch
    {
        MethodDefinition method => method is { IsStatic: false } or { IsConstructor: false } && (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly),
        FieldDefinition field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        _ => false,
    };

    private static bool IsVisible(TypeDefinition type) => type.DeclaringType is { } outer
        ? IsVisible(outer) && (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamilyOrAssembly)
        : type.IsPublic;
}
