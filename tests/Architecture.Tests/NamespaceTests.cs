using System.Text.RegularExpressions;
using Mono.Cecil;

namespace PromptToPrompt.Architecture.Tests;

/// <summary>The folders of the libraries, which are their namespaces, depend on each other in one direction.</summary>
public sealed partial class NamespaceTests
{
    [Theory]
    [InlineData(Layers.Diffusion)]
    [InlineData(Layers.Editing)]
    public void NoCircleLeadsFromAFolderBackToItself(string library)
    {
        var uses = Uses(library);
        Assert.True(uses.Count >= 6, "The folders of a library use each other.");
        var remaining = uses.Keys.ToHashSet();
        // What uses nothing that is left cannot be part of a circle.
        while (remaining.FirstOrDefault(folder => !uses[folder].Keys.Any(remaining.Contains)) is { } free)
            remaining.Remove(free);
        Assert.True(remaining.Count == 0, string.Join('\n',
            from folder in remaining
            from used in uses[folder]
            where remaining.Contains(used.Key)
            select $"{folder} uses {used.Key}: {string.Join(", ", used.Value.Take(5))}"));
    }

    [Theory]
    [InlineData(Layers.Diffusion)]
    [InlineData(Layers.Editing)]
    public void NoTwoTypesAreNamedByTheSameWordsInAnotherOrder(string library)
    {
        var names = Layers.Load(library).GetTypes().Where(type => !type.IsNested && !type.Name.Contains('<')).Select(type => type.Name).Distinct();
        var clashes = names.GroupBy(name => string.Join(' ', Word().Matches(name).Select(match => match.Value).Order(StringComparer.Ordinal))).Where(group => group.Count() > 1);
        Assert.Empty(clashes.Select(group => string.Join(", ", group)));
    }

    // Each namespace of an assembly, with the namespaces of the same assembly that it uses and the types that do.
    private static Dictionary<string, Dictionary<string, SortedSet<string>>> Uses(string library)
    {
        using var module = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, $"{library}.dll"));
        var uses = new Dictionary<string, Dictionary<string, SortedSet<string>>>();
        // Types above all folders, such as the error type, may be used everywhere and are no folder.
        foreach (var type in module.GetTypes().Where(type => NamespaceOf(type).StartsWith(library + ".", StringComparison.Ordinal)))
        {
            var folder = NamespaceOf(type);
            uses.TryAdd(folder, []);
            foreach (var used in References(type).SelectMany(Parts).Where(used => used.Scope == module))
            {
                var other = NamespaceOf(used);
                if (other == folder || !other.StartsWith(library + ".", StringComparison.Ordinal))
                    continue;
                uses[folder].TryAdd(other, []);
                uses[folder][other].Add($"{type.Name} → {used.Name}");
            }
        }

        return uses;
    }

    private static IEnumerable<TypeReference> References(TypeDefinition type)
    {
        if (type.BaseType is not null)
            yield return type.BaseType;
        foreach (var reference in type.Interfaces.Select(implementation => implementation.InterfaceType)
            .Concat(type.Fields.Select(field => field.FieldType))
            .Concat(type.Properties.Select(property => property.PropertyType)))
            yield return reference;
        foreach (var method in type.Methods)
        {
            foreach (var reference in method.Parameters.Select(parameter => parameter.ParameterType).Append(method.ReturnType))
                yield return reference;
            if (!method.HasBody)
                continue;
            foreach (var variable in method.Body.Variables)
                yield return variable.VariableType;
            foreach (var operand in method.Body.Instructions.Select(instruction => instruction.Operand))
            {
                if (operand is TypeReference reference)
                    yield return reference;
                else if (operand is MemberReference { DeclaringType: { } declaring })
                    yield return declaring;
            }
        }
    }

    private static IEnumerable<TypeReference> Parts(TypeReference? type) => type switch
    {
        null => [],
        GenericInstanceType generic => [generic.ElementType, .. generic.GenericArguments.SelectMany(Parts)],
        TypeSpecification specified => Parts(specified.ElementType),
        GenericParameter or FunctionPointerType => [],
        _ => [type],
    };

    private static string NamespaceOf(TypeReference type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return type.Namespace;
    }

    [GeneratedRegex("[A-Z][a-z0-9]*")]
    private static partial Regex Word();
}
