using System.Text.RegularExpressions;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>What a single file's network predicts, which its tensors do not show, and what that was concluded from.</summary>
/// <param name="Prediction">What it predicts.</param>
/// <param name="Source">Where that is said, in words.</param>
internal sealed partial record PredictionClue(PredictionType Prediction, string Source)
{
    /// <summary>The source where the user said it.</summary>
    public const string Chosen = "the user's choice";

    // Training steps of 2.0-base, the one model of its family that predicts noise and says so only by this number.
    private const string BaseSteps = "875000";

    /// <summary>Looks at the file's notes, at markers among its tensors, at the <c>.yaml</c> beside it, and at last at the family.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The file's tensors.</param>
    /// <param name="family">What its family predicts.</param>
    /// <param name="isInpainting">Whether the U-Net was made for inpainting; all of those predict noise.</param>
    public static PredictionClue Find(string path, StoredTensors tensors, PredictionType family, bool isInpainting)
    {
        var notes = tensors.Metadata;
        if (notes.TryGetValue("modelspec.prediction_type", out var type) && type is "v" or "v_prediction")
            return new(PredictionType.VPrediction, "the file's notes");
        if (type is "epsilon")
            return new(PredictionType.Epsilon, "the file's notes");
        if (tensors.Tensors.ContainsKey("v_pred"))
            return new(PredictionType.VPrediction, "the marker v_pred in the file");
        var yaml = Path.ChangeExtension(path, ".yaml");
        if (File.Exists(yaml))
            return new(Velocity().IsMatch(File.ReadAllText(yaml)) ? PredictionType.VPrediction : PredictionType.Epsilon, Path.GetFileName(yaml));
        if (isInpainting)
            return new(PredictionType.Epsilon, "the U-Net, which is one for inpainting");
        return family == PredictionType.VPrediction && notes.GetValueOrDefault("global_step") == BaseSteps
            ? new(PredictionType.Epsilon, "the number of training steps")
            : new(family, "the family, since neither the file nor the user says it");
    }

    [GeneratedRegex("""^\s*parameterization:\s*["']?v["']?\s*(#.*)?$""", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Velocity();
}
