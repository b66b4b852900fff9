using System.Globalization;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>An inversion method with settings, to compare with others.</summary>
/// <param name="Name">Its name in reports.</param>
/// <param name="Settings">The inversion settings; the prompt is set for each image.</param>
/// <param name="IsEdited">Whether its inversions are also edited, not only reconstructed.</param>
internal sealed record InversionContender(string Name, InversionSettings Settings, bool IsEdited)
{
    private static readonly InversionMethod[] Methods =
    [
        new DdimInversion(), new NegativePromptInversion(), new ProximalInversion(), new NullTextInversion(), new DirectInversion(), new BdiaInversion(), new EditFriendlyInversion(),
        new UniInversion(), new VirtualInversion(),
    ];

    // These methods reproduce their image only with the guidance of the inversion, which is not their default.
    private static readonly InversionMethod[] Exact = [new BdiaInversion(), new EditFriendlyInversion()];

    private static readonly int[] Refinements = [1, 2, 4];

    /// <summary>
    /// All contenders: each method with its defaults, those that can invert with the guidance of the edit ("guided"), fixed-point
    /// refinements of a method without other correction, and null-text with other learning rates.
    /// </summary>
    /// <param name="shared">Steps, guidance and seed of all.</param>
    /// <param name="learningRates">Additional learning rates of null-text.</param>
    public static IReadOnlyList<InversionContender> All(InversionSettings shared, IReadOnlyList<double> learningRates) =>
    [
        new("ddim guided", shared with { Method = new DdimInversion(), InversionGuidance = shared.Sampling.Guidance }, IsEdited: false),
        .. Methods.Select(method => new InversionContender(method.Name, shared with { Method = method }, IsEdited: true)),
        .. Exact.Select(method => new InversionContender(
            $"{method.Name} guided", shared with { Method = method, InversionGuidance = shared.Sampling.Guidance }, IsEdited: true)),
        .. Refinements.Select(count => new InversionContender(
            $"negative-prompt +{count}", shared with { Method = new NegativePromptInversion(), FixedPoint = count }, IsEdited: false)),
        .. learningRates.Select(rate => new InversionContender(
            string.Create(CultureInfo.InvariantCulture, $"null-text @{rate}"), shared with { Method = new NullTextInversion { LearningRate = rate } }, IsEdited: true)),
    ];
}
