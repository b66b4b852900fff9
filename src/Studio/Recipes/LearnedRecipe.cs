using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Editing.TextualInversion;

namespace PromptToPrompt.Studio.Recipes;

/// <summary>A word to learn from pictures (textual inversion). Its job makes no picture: it belongs to no project, and adds the word to the model.</summary>
public sealed record LearnedRecipe : RootRecipe
{
    internal const int MaxPictures = 10;

    /// <summary>Default number of steps.</summary>
    internal const int DefaultSteps = 1000;

    // Of the memory, the studio requires at the start what learning takes with one row. Averaging over as many pictures as the command takes by default learns as well.
    private const int Rows = 4;

    /// <inheritdoc/>
    public override string Model { get; init; } = "";

    /// <summary>The new word, such as <c>&lt;my-cat&gt;</c>.</summary>
    public required string Word { get; init; }

    /// <summary>A word of the model to begin from: the kind of thing that the pictures show.</summary>
    public required string Initial { get; init; }

    /// <summary>Store names of the pictures.</summary>
    public required IReadOnlyList<string> Pictures { get; init; }

    /// <summary>Optimizer steps.</summary>
    public int Steps { get; init; } = DefaultSteps;

    internal override IEnumerable<string> Texts => [];

    internal override SamplingSettings Sampling(int chunks = 1) => new();

    /// <summary>The settings of the training.</summary>
    internal TextualInversionSettings Settings() => new() { Word = Word, Initial = Initial, Steps = Steps, ClipSkip = ClipSkip, Batch = 1, Accumulation = Rows };

    /// <summary>Checks everything that needs no model.</summary>
    /// <exception cref="InvalidInputException">A setting is invalid.</exception>
    internal void Validate()
    {
        RecipeCheck.RequireName(nameof(Word), Word);
        RecipeCheck.RequireName(nameof(Initial), Initial);
        Settings().Validate();
        if (Pictures.Count is 0 or > MaxPictures)
            throw new InvalidInputException(nameof(Pictures), Pictures.Count == 0 ? "There is none." : $"{Pictures.Count} are too many.", $"Use 1 to {MaxPictures} pictures of the same thing.");
    }
}
