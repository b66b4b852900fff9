using System.Text.Json.Serialization;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.Prompts;
using static System.FormattableString;
using static PromptToPrompt.Diffusion.InvalidInputException;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>Everything but model and pictures that decides what is learned. The same settings on the same model and pictures give the same vectors.</summary>
public sealed record TextualInversionSettings
{
    /// <summary>The new word as prompts write it, without white space and nothing in it that they read as a weight.</summary>
    public required string Word { get; init; }

    /// <summary>A word of the model, of one token, that the new one begins as: the kind of thing it is.</summary>
    public required string Initial { get; init; }

    /// <summary>How many vectors the word has; as many tokens it takes in a prompt.</summary>
    public int Vectors { get; init; } = 1;

    /// <summary>What pictures without a caption are described by, with <see cref="PromptTemplates.Place"/> where the word stands.</summary>
    public IReadOnlyList<string> Templates { get; init; } = PromptTemplates.Object;

    /// <summary>Steps of the optimiser.</summary>
    public int Steps { get; init; } = 1000;

    /// <summary>Noised pictures that go through the network together.</summary>
    public int Batch { get; init; } = 4;

    /// <summary>How many such batches make one step; their gradients are averaged.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>
    /// How far a step moves a number of a vector, about. Null: a twentieth of the root mean square of the initial vector, of each text
    /// encoder's own.
    /// </summary>
    public double? LearningRate { get; init; }

    /// <summary>Decoupled weight decay of the vectors.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Seed of noise, timesteps and the order of pictures and prompts.</summary>
    [JsonConverter(typeof(SeedJson))]
    public ulong Seed { get; init; }

    /// <summary>Whether pictures are also learned from mirrored.</summary>
    public bool Flip { get; init; }

    /// <summary>How many of the text encoder's last layers are left out.</summary>
    public int ClipSkip { get; init; }

    /// <summary>Whether the backward pass computes activations again instead of keeping them. Null: where keeping them would take more than about 2 GB.</summary>
    public bool? SaveMemory { get; init; }

    /// <summary>Refuses settings that make no sense.</summary>
    /// <exception cref="Diffusion.InvalidInputException">One of them does.</exception>
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
