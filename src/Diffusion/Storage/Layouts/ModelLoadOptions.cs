using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>Options for loading a model: settings missing from its files, and replacements for its parts.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>The variant of a model directory's weights, such as <c>fp16</c>; null for the default.</summary>
    public string? Variant { get; init; }

    /// <summary>A tokenizer directory, or a model directory with one; null for the model's own.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>
    /// An autoencoder in place of the model's own: a directory with a config and weights, a model directory that has one,
    /// or a file in either layout. Null for the model's own.
    /// </summary>
    public string? Vae { get; init; }

    /// <summary>
    /// The network's prediction type; null for the one in the model's files, which single files of Stable Diffusion 2 often lack.
    /// </summary>
    public PredictionType? Prediction { get; init; }

    /// <summary>Whether the autoencoder works in tiles; see <see cref="Diffusion.Vae.AutoencoderKL.IsTiled"/>.</summary>
    public bool TiledVae { get; init; }

    /// <summary>
    /// Whether only the weights of one part are in memory at a time; see <see cref="Pipelines.StableDiffusionModel.OnePartAtATime"/>.
    /// </summary>
    public bool OnePartAtATime { get; init; }

    /// <summary>LoRAs to add to the weights.</summary>
    public IReadOnlyList<Lora> Loras { get; init; } = [];

    /// <summary>Learned words to add to the vocabulary.</summary>
    public IReadOnlyList<TextEmbedding> Embeddings { get; init; } = [];

    /// <summary>Reads an environment variable, to find the hub's cache.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;
}

/// <summary>A LoRA (Hu et al., arXiv 2106.09685), or a LoHa, LoKr or DoRA, to add to a model's weights.</summary>
/// <param name="Path">The file, in the format of kohya's scripts, LyCORIS, diffusers or peft; or a directory written by diffusers or
/// peft.</param>
/// <param name="Weight">Strength: 1 as trained, 0 for no effect.</param>
public sealed record Lora(string Path, double Weight = 1);

/// <summary>A word that was learned by textual inversion (Gal et al., arXiv 2208.01618), to use in prompts.</summary>
/// <param name="Path">The file, in the format of diffusers or of common web interfaces.</param>
/// <param name="Word">The word as written in prompts; null for the name in the file or, without one, the file name.</param>
public sealed record TextEmbedding(string Path, string? Word = null)
{
    /// <summary>Whether it is part of the model's fingerprint. Prompts without the word give the same images with and without it.</summary>
    internal bool IsIdentifying { get; init; } = true;
}
