using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Text;
using static PromptToPrompt.Diffusion.InvalidInputException;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.TextualInversion;

/// <summary>A word that is new to a model, with its token ids and its initial vectors.</summary>
internal sealed class PlaceholderWord
{
    private readonly StableDiffusionModel model;
    private readonly AddedToken token;
    private readonly int initial;

    /// <exception cref="InvalidInputException">The model already has the word, or the initial word is not a single token.</exception>
    public PlaceholderWord(StableDiffusionModel model, TextualInversionSettings settings)
    {
        this.model = model;
        initial = InitialToken(model.Tokenizer, settings);
        token = new AddedToken(settings.Word, model.Shape.TextEncoder.VocabularySize, settings.Vectors);
        Tokenizer = model.Tokenizer.With([token]);
    }

    /// <summary>The model's tokenizer, extended by the word.</summary>
    public ClipTokenizer Tokenizer { get; }

    /// <summary>The initial vectors, copied from the initial word, for each text encoder: [vectors, width] float32.</summary>
    public IReadOnlyList<Tensor> InitialVectors() =>
        [.. model.TextEncoders.Select(encoder => encoder.Model.Embedding(initial).expand(token.Count, -1))];

    /// <summary>Tokenizes a template with the word in it.</summary>
    /// <param name="template">The prompt, with <see cref="PromptTemplates.Place"/> in place of the word.</param>
    /// <exception cref="InvalidInputException">The prompt is so long that the word is cut off.</exception>
    public TokenizedPrompt Read(string template)
    {
        var prompt = Tokenizer.Tokenize(PromptTemplates.Fill(template, token.Text));
        Require(prompt.Ids.Contains(token.FirstId + token.Count - 1), $"\"{template}\" is too long: the model reads {Tokenizer.MaxLength} tokens, so {token.Text} is cut off. Shorten it.");
        return prompt;
    }

    /// <summary>The token of the initial word.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="settings">The training settings.</param>
    /// <exception cref="InvalidInputException">The model already has the word, or the initial word is not a single token.</exception>
    public static int InitialToken(ClipTokenizer tokenizer, TextualInversionSettings settings)
    {
        Require(
            !tokenizer.IsAdded(settings.Word) && Pieces(tokenizer, settings.Word).Count > 1,
            nameof(settings.Word),
            $"The model already has the word {settings.Word}.",
            $"Use a new one, such as \"<my-{settings.Initial}>\".");
        var pieces = Pieces(tokenizer, settings.Initial);
        Require(
            pieces.Count == 1,
            nameof(settings.Initial),
            $"\"{settings.Initial}\" has {pieces.Count} tokens in this model ({string.Join(" ", pieces.Select(tokenizer.Decode))}).",
            "Use a word that is a single token, such as a common word for the kind of thing.");
        return pieces[0];
    }

    // The tokens of a word, without start and end.
    private static List<int> Pieces(ClipTokenizer tokenizer, string word) => [.. tokenizer.Encode(word).Skip(1).SkipLast(1)];
}
