using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>What a model's files do not say, or what is wanted instead of what they say.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>The variant of a model directory's weights, such as <c>fp16</c>; null for the plain ones.</summary>
    public string? Variant { get; init; }

    /// <summary>A tokenizer directory, or a model directory with one; null for the model's own.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>
    /// An autoencoder to use in place of the model's own, or where it has none: a folder with a config and weights, a model directory that has one,
    /// or a file in either layout. Null for the model's own.
    /// </summary>
    public string? Vae { get; init; }

    /// <summary>What the network predicts; null for what the model says. Single files of Stable Diffusion 2 often do not.</summary>
    public PredictionType? Prediction { get; init; }

    /// <summary>Whether the autoencoder works in tiles; see <see cref="Diffusion.Vae.AutoencoderKL.IsTiled"/>.</summary>
    public bool TiledVae { get; init; }

    /// <summary>Whether the weights of one part are in memory at a time; see <see cref="Pipelines.StableDiffusionModel.OnePartAtATime"/>.</summary>
    public bool OnePartAtATime { get; init; }

    /// <summary>LoRAs to add to the weights.</summary>
    public IReadOnlyList<Lora> Loras { get; init; } = [];

    /// <summary>Learned words to add to the vocabulary.</summary>
    public IReadOnlyList<TextEmbedding> Embeddings { get; init; } = [];

    /// <summary>Reads an environment variable; tells where the hub's cache is.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;
}

/// <summary>A LoRA (Hu et al., arXiv 2106.09685), or one of its relatives LoHa, LoKr and DoRA, to add to a model's weights.</summary>
/// <param name="Path">The file, in the naming of kohya's scripts, of LyCORIS, of diffusers or of peft, or a folder that one of the latter wrote.</param>
/// <param name="Weight">How strongly it is added; 1 as it was trained, 0 not at all.</param>
public sealed record Lora(string Path, double Weight = 1);

/// <summary>A word that was learned by textual inversion (Gal et al., arXiv 2208.01618), to use in prompts.</summary>
/// <param name="Path">The file, as diffusers or the usual web interfaces write it.</param>
/// <param name="Word">How prompts write it; null for the name in the file or, where that has none, the file's own.</param>
public sealed record TextEmbedding(string Path, string? Word = null);
