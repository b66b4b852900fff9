using System.Text.RegularExpressions;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Weights;

namespace PromptToPrompt.Diffusion.Storage.Models;

/// <summary>The prediction type of a single file's network, which its tensors do not show, with the evidence for it.</summary>
/// <param name="Prediction">The prediction type.</param>
/// <param name="Source">Description of the evidence.</param>
internal sealed partial record PredictionClue(PredictionType Prediction, string Source)
{
    /// <summary>The source of a prediction type chosen by the user.</summary>
    public const string Chosen = "the user's choice";

    // Training steps of 2.0-base, the only model of its family that predicts noise; only this number identifies it.
    private const string BaseSteps = "875000";

    /// <summary>Examines the file's metadata, marker tensors, the <c>.yaml</c> next to it, and finally the family.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The file's tensors.</param>
    /// <param name="family">The prediction type of its family.</param>
    /// <param name="isInpainting">Whether the U-Net is an inpainting model; all of those predict noise.</param>
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
            return new(PredictionType.Epsilon, "the U-Net, which is an inpainting model");
        return family == PredictionType.VPrediction && notes.GetValueOrDefault("global_step") == BaseSteps
            ? new(PredictionType.Epsilon, "the number of training steps")
            : new(family, "the model family, because neither the file nor the user specifies it");
    }

    [GeneratedRegex("""^\s*parameterization:\s*["']?v["']?\s*(#.*)?$""", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Velocity();
}
