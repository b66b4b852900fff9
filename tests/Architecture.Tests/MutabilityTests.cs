using System.Reflection;
using System.Runtime.CompilerServices;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet;
using PromptToPrompt.Diffusion.Vae;

namespace PromptToPrompt.Architecture.Tests;

public sealed class MutabilityTests
{
    private static readonly string[] ModelNamespaces =
    [
        typeof(UNet2DConditionModel).Namespace!,
        typeof(AutoencoderKL).Namespace!,
        typeof(ClipTextModel).Namespace!,
        typeof(StableDiffusionModel).Namespace!,
    ];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void ALibraryHasNoPublicMutableStaticState(string library) =>
        Assert.Empty(Layers.Load(library).GetExportedTypes().SelectMany(type => Mutable(type, BindingFlags.Static)));

    [Fact]
    public void NothingOutsideChangesAModel() =>
        Assert.Empty(Layers.Load(Layers.Diffusion).GetExportedTypes()
            .Where(type => ModelNamespaces.Contains(type.Namespace))
            .SelectMany(type => Mutable(type, BindingFlags.Instance)));

    public static TheoryData<string> Libraries() => [.. Layers.Libraries];

    /// <summary>The public fields and properties of a type that anyone may write to at any time.</summary>
    private static IEnumerable<string> Mutable(Type type, BindingFlags kind)
    {
        var flags = kind | BindingFlags.Public | BindingFlags.DeclaredOnly;
        var fields = type.GetFields(flags).Where(field => !field.IsInitOnly && !field.IsLiteral && !field.IsSpecialName);
        var properties = type.GetProperties(flags).Where(property => property.SetMethod is { IsPublic: true } setter && !IsInit(setter));
        return fields.Concat<MemberInfo>(properties).Select(member => $"{type.FullName}.{member.Name}");
    }

    private static bool IsInit(MethodInfo setter) =>
        setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
}
