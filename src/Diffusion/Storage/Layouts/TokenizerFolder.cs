using PromptToPrompt.Diffusion.Text;

namespace PromptToPrompt.Diffusion.Storage.Layouts;

/// <summary>The directory of a tokenizer, with an optional change.</summary>
/// <param name="Path">A tokenizer directory.</param>
/// <param name="Pad">The padding token, if it differs from the one in the directory.</param>
internal sealed record TokenizerFolder(string Path, string? Pad = null)
{
    /// <summary>Name of the tokenizer's directory in a model directory.</summary>
    public const string Name = "tokenizer";

    /// <summary>OpenCLIP's padding token: token 0.</summary>
    public const string OpenClipPad = "!";

    /// <summary>Names of the tokenizers' directories in a model directory, one per text encoder.</summary>
    public static IReadOnlyList<string> Names { get; } = [Name, "tokenizer_2"];

    /// <summary>Shares one directory among all text encoders of a model.</summary>
    /// <param name="first">The first encoder's directory.</param>
    /// <param name="encoders">Number of encoders.</param>
    public static IReadOnlyList<TokenizerFolder> Shared(TokenizerFolder first, int encoders) =>
        [first, .. Enumerable.Repeat(first with { Pad = OpenClipPad }, encoders - 1)];

    /// <summary>A directory chosen by the user: a tokenizer directory, or a model directory that contains one.</summary>
    /// <exception cref="InvalidInputException">The directory is neither.</exception>
    public static TokenizerFolder Given(string path)
    {
        var inside = System.IO.Path.Combine(path, Name);
        return IsOne(path) ? new(path)
            : IsOne(inside) ? new(inside)
            : throw new InvalidInputException(
                nameof(ModelLoadOptions.Tokenizer),
                $"{path} contains neither {BpeVocabulary.VocabularyFile} nor {TokenizerJson.FileName}, nor does {Name}/ in it.",
                "Use the tokenizer directory of a model directory.");
    }

    /// <summary>Whether a directory looks like a tokenizer directory.</summary>
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
