using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Inversion;
using PromptToPrompt.Editing.Prompts;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Methods;

/// <summary>
/// A way to edit, with its options: what an edit takes from its source, and how. Each method has its own file in this folder, which states its equations.
/// </summary>
public abstract record EditMethod
{
    private static readonly IReadOnlyList<EditMethod> All = [new PromptToPromptMethod(), new MasaCtrl(), new PlugAndPlay(), new UniEdit(), new TurboEdit(), new InfEdit(), new LeditsPlusPlus()];

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
    /// <param name="inversion">The inversion of the source; null for one made from noise.</param>
    /// <exception cref="Diffusion.InvalidInputException">A setting does not fit.</exception>
    internal virtual void Validate(SamplingSettings sampling, InversionSettings? inversion)
    {
    }

    /// <summary>Whether the method reads activations of the source that <see cref="ISourceActivations"/> keeps.</summary>
    internal virtual bool ReadsActivations => false;

    /// <summary>Name of the inversion method that suits the method, for images whose user chooses none.</summary>
    internal virtual string UsualInversion => "direct";

    /// <summary>How the method aligns prompts of one chunk; null for the alignment of the request.</summary>
    internal virtual AlignmentKind? Alignment => null;

    /// <summary>
    /// The number of steps, from the first, in which each edit has a companion: a branch of its own with the source prompt, which starts from the source's
    /// noise, is denoised along with the edit and gives it attention. Companions follow the images in the batch, in the order of the edits. 0 for none.
    /// </summary>
    /// <param name="steps">Number of steps.</param>
    internal virtual int CompanionSteps(int steps) => 0;

    /// <summary>Whether there are <see cref="CompanionSteps"/>.</summary>
    /// <param name="steps">Number of steps.</param>
    internal bool HasCompanions(int steps) => CompanionSteps(steps) > 0;

    /// <summary>Words whose tokens the method needs; null for none.</summary>
    internal virtual BlendWords? Words => null;

    /// <summary>Whether the rows of a step read each other, so that they cannot be computed one after another.</summary>
    /// <param name="steps">Number of steps.</param>
    internal bool TakesAllRows(int steps) => HasCompanions(steps) || Words is not null;

    /// <summary>
    /// Whether the unconditional rows of edits have the source prompt, and <see cref="Combine(Tensor, Tensor)"/> takes the place of classifier-free guidance.
    /// </summary>
    internal virtual bool GuidesBySource => false;

    /// <summary>Whether edits have classifier-free guidance, so that its scale matters.</summary>
    internal virtual bool UsesGuidance => !GuidesBySource;

    /// <summary>The prediction of an edit, if <see cref="GuidesBySource"/>.</summary>
    /// <param name="source">The network's predictions with the source prompt, [edits, channels, h, w].</param>
    /// <param name="edit">Those with the edits' prompts.</param>
    internal virtual Tensor Combine(Tensor source, Tensor edit) => throw new NotSupportedException();

    /// <summary>
    /// The concepts of an edit: each is a row of its steps, beside an unconditional one, and <see cref="Combine(ConceptStep)"/> takes the place of classifier-free
    /// guidance. Null for methods without concepts.
    /// </summary>
    /// <param name="source">The source prompt.</param>
    /// <param name="target">The edit's prompt.</param>
    internal virtual IReadOnlyList<EditConcept>? ConceptsOf(TokenizedPrompt source, TokenizedPrompt target) => null;

    /// <summary>About how many rows an edit has in each step, for estimates before its prompts are read; null for those of classifier-free guidance.</summary>
    internal virtual int? OwnRows => null;

    /// <summary>About how many rows a batch of a source and its edits has, for estimates before their prompts are read.</summary>
    /// <param name="edits">Number of edits.</param>
    /// <param name="sampling">The sampling settings.</param>
    internal int RowsOf(int edits, SamplingSettings sampling) => OwnRows is { } own ? 1 + (edits * own)
        : (1 + (edits * (HasCompanions(sampling.Steps) ? 2 : 1))) * (sampling.Guidance == 1 && !GuidesBySource ? 1 : 2);

    /// <summary>The prediction of an edit, if it has concepts.</summary>
    internal virtual Tensor Combine(ConceptStep step) => throw new NotSupportedException();

    /// <summary>The index of the first step of edits, for a given number of steps.</summary>
    internal virtual int FirstStep(int steps) => 0;

    /// <summary>The attention processor of a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="inner">Plain attention, which collects the maps that are wanted.</param>
    internal virtual AttentionProcessor Attention(MethodRun run, AttentionProcessor inner) => inner;
}
