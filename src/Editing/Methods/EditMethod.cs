using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Diffusion.UNet.Attention;
using PromptToPrompt.Editing.Alignment;
using PromptToPrompt.Editing.Attention;
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
        ?? throw new Diffusion.InvalidInputException("Method", $"\"{name}\" is unknown.", Diffusion.Suggestion.Advice(name, Names));

    /// <summary>Checks that the method's options are in range.</summary>
    /// <exception cref="Diffusion.InvalidInputException">A number is out of range.</exception>
    public virtual void Validate()
    {
    }

    /// <summary>Whether the method edits inverted images only.</summary>
    internal virtual bool NeedsImage => false;

    /// <summary>Requires an inverted image if the method <see cref="NeedsImage"/>.</summary>
    /// <param name="hasImage">Whether there is one.</param>
    /// <param name="advice">How to give one, without the period.</param>
    /// <exception cref="Diffusion.InvalidInputException">There is none.</exception>
    internal void RequireImage(bool hasImage, string advice = "Give an image") => Diffusion.InvalidInputException.Require(
        hasImage || !NeedsImage, nameof(EditRequest.Method), $"{Name} edits an inverted image, and there is none.", $"{advice}, or use another editing method.");

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

    /// <summary>Advice that makes the rows of a step independent of each other, as a clause without a period; null if they always are.</summary>
    /// <param name="nameOf">Maps a setting's property to the name that the reader knows, such as a command-line option.</param>
    internal virtual string? RowByRowAdvice(Func<string, string> nameOf) => null;

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
    internal int RowsOf(int edits, SamplingSettings sampling)
    {
        if (OwnRows is { } own)
            return 1 + (edits * own);
        // The source follows its trajectory, and at most one row reads its attention.
        if (GuidesBySource)
            return 1 + (2 * edits);
        // Companions have the guidance of the inversion, which may differ from 1 where that of the edits does not.
        return HasCompanions(sampling.Steps) ? 2 * (1 + (2 * edits)) : (1 + edits) * (sampling.Guidance == 1 ? 1 : 2);
    }

    /// <summary>The part of <see cref="RowsOf"/> that must be computed together even to save memory: all, or none.</summary>
    /// <inheritdoc cref="RowsOf"/>
    internal int RowsTogetherOf(int edits, SamplingSettings sampling) => edits > 0 && TakesAllRows(sampling.Steps) ? RowsOf(edits, sampling) : 0;

    /// <summary>The prediction of an edit, if it has concepts.</summary>
    internal virtual Tensor Combine(ConceptStep step) => throw new NotSupportedException();

    /// <summary>The index of the first step of edits, for a given number of steps.</summary>
    internal virtual int FirstStep(int steps) => 0;

    /// <summary>The attention processor of a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="inner">Plain attention, which collects the maps that are wanted.</param>
    internal virtual AttentionProcessor Attention(MethodRun run, AttentionProcessor inner) => inner;
}
