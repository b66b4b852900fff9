using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>Where a tokenizer is, and what to change of it.</summary>
/// <param name="Path">A tokenizer directory.</param>
/// <param name="Pad">The token that fills up prompts, where it is another than the directory says.</param>
internal sealed record TokenizerFolder(string Path, string? Pad = null)
{
    /// <summary>The tokenizer's folder in a model directory.</summary>
    public const string Name = "tokenizer";

    /// <summary>What OpenCLIP's own code fills prompts up with: token 0.</summary>
    public const string OpenClipPad = "!";

    /// <summary>The tokenizers' folders in a model directory, one for each text encoder.</summary>
    public static IReadOnlyList<string> Names { get; } = [Name, "tokenizer_2"];

    /// <summary>One directory for all text encoders of a model.</summary>
    /// <param name="first">The first encoder's.</param>
    /// <param name="encoders">How many encoders there are.</param>
    public static IReadOnlyList<TokenizerFolder> Shared(TokenizerFolder first, int encoders) =>
        [first, .. Enumerable.Repeat(first with { Pad = OpenClipPad }, encoders - 1)];

    /// <summary>A folder that the user chose: a tokenizer directory or a model directory with one.</summary>
    /// <exception cref="InvalidInputException">It is neither.</exception>
    public static TokenizerFolder Given(string path)
    {
        var inside = System.IO.Path.Combine(path, Name);
        return IsOne(path) ? new(path)
            : IsOne(inside) ? new(inside)
            : throw new InvalidInputException(
                nameof(ModelLoadOptions.Tokenizer),
                $"{path} has neither {BpeVocabulary.VocabularyFile} nor {TokenizerJson.FileName}, and neither has {Name}/ in it.",
                "Use the tokenizer folder of a model directory.");
    }

    /// <summary>Whether a directory looks like a tokenizer's.</summary>
    public static bool IsOne(string path) =>
        TokenizerJson.IsAlone(path)
        || (File.Exists(System.IO.Path.Combine(path, BpeVocabulary.VocabularyFile)) && File.Exists(System.IO.Path.Combine(path, TokenizerConfig.ConfigFile)));

    /// <summary>Reads the tokenizer.</summary>
    public ClipTokenizer Load() => ClipTokenizer.Load(Path, Pad);

    /// <summary>Copies the tokenizer to another directory.</summary>
    public void CopyTo(string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (var file in Directory.EnumerateFiles(Path))
            File.Copy(file, System.IO.Path.Combine(directory, System.IO.Path.GetFileName(file)), overwrite: true);
        if (Pad is not null)
            (TokenizerConfig.Load(directory) with { Pad = Pad }).Save(directory);
    }
}
