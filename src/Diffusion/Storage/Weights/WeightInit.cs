namespace PromptToPrompt.Diffusion.Storage.Weights;

/// <summary>The initialization of a weight that is not loaded (training only).</summary>
internal enum WeightInit
{
    /// <summary>Uniform in ±1/√fan-in, PyTorch's default for linear and convolution weights and biases.</summary>
    FanIn,

    /// <summary>All zeros.</summary>
    Zeros,

    /// <summary>All ones.</summary>
    Ones,

    /// <summary>Normal with standard deviation 0.02, as in CLIP's embeddings.</summary>
    Embedding,
}
