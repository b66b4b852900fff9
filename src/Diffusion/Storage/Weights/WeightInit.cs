namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>How a weight that is not loaded starts out (training only).</summary>
internal enum WeightInit
{
    /// <summary>Uniform in ±1/√fan-in, as PyTorch initialises linear and convolution weights and their biases.</summary>
    FanIn,

    /// <summary>All zeros.</summary>
    Zeros,

    /// <summary>All ones.</summary>
    Ones,

    /// <summary>Normal with standard deviation 0.02, as CLIP initialises embeddings.</summary>
    Embedding,
}
