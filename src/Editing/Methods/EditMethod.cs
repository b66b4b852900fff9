using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// A way to edit, with its options: what an edit takes from its source, and how. Each method has its own file in this folder, which states its equations.
/// </summary>
public abstract record EditMethod
{
    private static readonly IReadOnlyList<EditMethod> All = [new PromptToPromptMethod(), new MasaCtrl(), new PlugAndPlay()];

    /// <summary>The names of all methods.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(method => method.Name)];

    /// <summary>The method's name.</summary>
    public abstract string Name { get; }

    /// <summary>The method with a given name, with default options.</summary>
    /// <exception cref="Diffusion.InvalidInputException">No method has this name.</exception>
    public static EditMethod Named(string name) => All.FirstOrDefault(method => method.Name == name)
        ?? throw new Diffusion.InvalidInputException("Method", $"\"{name}\" is unknown.", $"Use {Diffusion.InvalidInputException.AnyOf(Names)}.");

    /// <summary>Checks that the method's options are in range.</summary>
    /// <exception cref="Diffusion.InvalidInputException">A number is out of range.</exception>
    public virtual void Validate()
    {
    }

    /// <summary>Checks that the method can be used with the settings of a run.</summary>
    /// <param name="sampling">The sampling settings.</param>
    /// <exception cref="Diffusion.InvalidInputException">A setting does not fit.</exception>
    internal virtual void Validate(SamplingSettings sampling)
    {
    }

    /// <summary>Whether the method reads activations of the source that <see cref="ISourceActivations"/> keeps.</summary>
    internal virtual bool ReadsActivations => false;

    /// <summary>Name of the inversion method that suits the method, for images whose user chooses none.</summary>
    internal virtual string UsualInversion => "direct";

    /// <summary>Words whose tokens the method needs; null for none.</summary>
    internal virtual BlendWords? Words => null;

    /// <summary>The attention processor of a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="inner">Plain attention, which collects the maps that are wanted.</param>
    internal virtual AttentionProcessor Attention(MethodRun run, AttentionProcessor inner) => inner;
}
