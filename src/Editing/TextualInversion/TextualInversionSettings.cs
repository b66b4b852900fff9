using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Prompts;
using static System.FormattableString;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>All training settings. The same settings on the same model and images give the same vectors.</summary>
internal sealed record TextualInversionSettings
{
    /// <summary>The new word as written in prompts: no white space, and no parentheses that would be read as a weight.</summary>
    public required string Word { get; init; }

    /// <summary>A word of the model with a single token whose vector initializes the new word: the kind of thing it is.</summary>
    public required string Initial { get; init; }

    /// <summary>Number of embedding vectors of the word; it takes as many tokens in a prompt.</summary>
    public int Vectors { get; init; } = 1;

    /// <summary>Prompts for images without a caption, with <see cref="PromptTemplates.Place"/> in place of the word.</summary>
    public IReadOnlyList<string> Templates { get; init; } = PromptTemplates.Object;

    /// <summary>Number of optimizer steps.</summary>
    public int Steps { get; init; } = 1000;

    /// <summary>Number of noised images per forward pass.</summary>
    public int Batch { get; init; } = 4;

    /// <summary>Number of batches per step; their gradients are averaged.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>
    /// Learning rate: the approximate change of each vector component per step. Null uses a twentieth of the root mean square of the
    /// initial vector, separately for each text encoder.
    /// </summary>
    public double? LearningRate { get; init; }

    /// <summary>Decoupled weight decay of the vectors.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Seed of noise, timesteps and the order of images and prompts.</summary>
    [JsonConverter(typeof(SeedJson))]
    public ulong Seed { get; init; }

    /// <summary>Whether to also train on mirrored images.</summary>
    public bool Flip { get; init; }

    /// <summary>Number of final text encoder layers to skip.</summary>
    public int ClipSkip { get; init; }

    /// <summary>Whether the backward pass recomputes activations. Null recomputes them if they would take more than about 2 GB.</summary>
    public bool? SaveMemory { get; init; }

    /// <summary>Checks the settings.</summary>
    /// <exception cref="Diffusion.InvalidInputException">A setting is invalid.</exception>
    public void Validate()
    {
        Require(Word.Length > 0 && !Word.Any(char.IsWhiteSpace), nameof(Word), $"\"{Word}\" is not one word.", "Use a word without spaces, such as \"<my-cat>\".");
        Require(WeightedPrompt.Parse(Word).Text == Word, nameof(Word), $"Prompts read the parentheses of {Word} as a weight.", "Use a word without them, such as \"<my-cat>\".");
        Require(Initial.Length > 0 && !Initial.Any(char.IsWhiteSpace), nameof(Initial), $"\"{Initial}\" is not one word.", "Use a word that the model knows, such as cat.");
        RequireRange(Vectors, 1, 32, nameof(Vectors));
        RequireRange(Steps, 1, 1_000_000, nameof(Steps));
        RequireRange(Batch, 1, 1024, nameof(Batch));
        RequireRange(Accumulation, 1, 1024, nameof(Accumulation));
        Require(
            LearningRate is null || (LearningRate > 0 && double.IsFinite(LearningRate.Value)), nameof(LearningRate), Invariant($"{LearningRate} is out of range."), "Use a number above 0.");
        Require(WeightDecay >= 0 && double.IsFinite(WeightDecay), nameof(WeightDecay), Invariant($"{WeightDecay} is out of range."), "Use 0 or more.");
        PromptTemplates.Validate(Templates);
    }
}
