using System.Globalization;
using PromptToPrompt.Editing.Inversion;

namespace PromptToPrompt.Evaluation.Inversions;

/// <summary>A way of inverting that is compared with others.</summary>
/// <param name="Name">What it is called in reports.</param>
/// <param name="Settings">How it inverts; the prompt is each picture's own.</param>
/// <param name="IsEdited">Whether its inversions are edited too, and not only brought back.</param>
public sealed record InversionContender(string Name, InversionSettings Settings, bool IsEdited)
{
    private static readonly InversionMethod[] Methods =
    [
        new DdimInversion(), new NegativePromptInversion(), new ProximalInversion(), new NullTextInversion(), new DirectInversion(), new BdiaInversion(), new EditFriendlyInversion(),
    ];

    // These retrace their picture only with the guidance they were inverted with, which is not their usual one.
    private static readonly InversionMethod[] Exact = [new BdiaInversion(), new EditFriendlyInversion()];

    private static readonly int[] Refinements = [1, 2, 4];

    /// <summary>
    /// All that is compared: each method as it is used, those whose inversion can have the guidance of the edit so ("guided"), fixed-point
    /// refinements where nothing else brings the picture back, and null-text with other learning rates.
    /// </summary>
    /// <param name="shared">Steps, guidance and seed of all.</param>
    /// <param name="learningRates">Further learning rates of null-text.</param>
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
