namespace PromptToPrompt.Diffusion.Images;

/// <summary>How a picture of any shape is brought to the shape a model works at.</summary>
public enum FramingKind
{
    /// <summary>The largest part of the model's shape out of the middle; what lies beside it is not seen by the model.</summary>
    Crop,

    /// <summary>The whole picture at about the model's area, its sides rounded to what the model can have.</summary>
    Fit,

    /// <summary>The whole picture inside the model's shape; its outermost pixels are repeated into the bars.</summary>
    Pad,
}
