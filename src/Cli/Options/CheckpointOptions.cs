using System.CommandLine;
using System.Globalization;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Sampling;
using PromptToPrompt.Diffusion.Storage.Layouts;

namespace PromptToPrompt.Cli.Options;

/// <summary>Options for what a model's files do not say, and for additions to it.</summary>
internal sealed class CheckpointOptions
{
    private const string Velocity = "v";
    private const string Noise = "epsilon";
    private const string FromModel = "auto";

    private readonly Option<string?> tokenizer = new("--tokenizer")
    {
        Description = "Tokenizer directory, or a model directory that has one. For single-file checkpoints, which have none",
        Group = HelpGroup.Model,
        HelpName = "dir",
    };

    private readonly Option<string?> variant = new("--variant")
    {
        Description = "Variant of the weights in a model directory, such as fp16",
        Group = HelpGroup.Model,
        HelpName = "name",
    };

    private readonly Option<string?> vae = new("--vae")
    {
        Description = "Autoencoder to use instead of the model's own: directory, file, OWNER/NAME of a pulled one, or a model with one",
        Group = HelpGroup.Model,
        HelpName = "dir|file|name",
    };

    private readonly Option<string> prediction =
        Parsed.Choice("--prediction", "Prediction type, for models whose files do not state it", FromModel, FromModel, Noise, Velocity).In(HelpGroup.Model);

    private readonly Option<string[]> loras = new("--lora")
    {
        Description = "LoRA (or LoHa, LoKr, DoRA) to apply, with an optional weight: style.safetensors:0.7. Repeatable",
        Group = HelpGroup.Model,
        HelpName = "file|dir[:weight]",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string[]> embeddings = new("--embedding")
    {
        Description = "Textual-inversion embedding (.safetensors, .pt) to use in prompts. WORD=FILE sets its word. Repeatable",
        Group = HelpGroup.Model,
        HelpName = "[word=]file",
        DefaultValueFactory = _ => [],
    };

    public CheckpointOptions AddTo(Command command)
    {
        AddTokenizerTo(command);
        command.Add(variant);
        command.Add(vae);
        command.Add(prediction);
        return this;
    }

    /// <summary>The option that chooses a variant, with its value; nothing without one.</summary>
    public IEnumerable<string> VariantOf(string? name) => name is null ? [] : [variant.Name, name];

    /// <summary>Adds <c>--lora</c>.</summary>
    public CheckpointOptions AddLorasTo(Command command)
    {
        command.Add(loras);
        return this;
    }

    /// <summary>Adds <c>--embedding</c>.</summary>
    public CheckpointOptions AddEmbeddingsTo(Command command)
    {
        command.Add(embeddings);
        return this;
    }

    /// <summary>Adds <c>--tokenizer</c> alone.</summary>
    public CheckpointOptions AddTokenizerTo(Command command)
    {
        command.Add(tokenizer);
        return this;
    }

    /// <summary>All options. They affect the model's output.</summary>
    public IEnumerable<Option> All => [tokenizer, variant, vae, prediction, loras, embeddings];

    /// <summary>The files and folders that the options name.</summary>
    public IEnumerable<RunInput> Inputs(ParseResult parse)
    {
        var files = Read(parse);
        // Always write the weight: a path may itself end in a colon and a number.
        return
        [
            .. RunInput.Given(parse, tokenizer),
            // The resolved path: a name depends on the current directory.
            .. files.Vae is { } found ? [new RunInput(vae, found)] : Array.Empty<RunInput>(),
            .. files.Loras.Select(lora => new RunInput(loras, lora.Path, string.Create(CultureInfo.InvariantCulture, $"{lora.Path}:{lora.Weight}"))),
            .. files.Embeddings.Select(word => new RunInput(embeddings, word.Path, word.Word is null ? null : $"{word.Word}={word.Path}")),
        ];
    }

    public ModelLoadOptions Read(ParseResult parse) => new()
    {
        Tokenizer = parse.GetValue(tokenizer),
        Variant = parse.GetValue(variant),
        Vae = parse.GetValue(vae) is { } name ? ModelOptions.Locate(name, vae.Name) : null,
        Embeddings = [.. (parse.GetValue(embeddings) ?? []).Select(ReadEmbedding)],
        Loras = [.. (parse.GetValue(loras) ?? []).Select(ReadLora)],
        Prediction = parse.GetValue(prediction) switch
        {
            Velocity => PredictionType.VPrediction,
            Noise => PredictionType.Epsilon,
            _ => null,
        },
    };

    // A path may contain an equals sign.
    private static TextEmbedding ReadEmbedding(string text)
    {
        var equals = File.Exists(text) ? -1 : text.IndexOf('=', StringComparison.Ordinal);
        Require(text[(equals + 1)..], "--embedding", $"\"{text}\" names no file.", "Write WORD=FILE, or FILE alone.");
        return equals > 0 ? new TextEmbedding(Path.GetFullPath(text[(equals + 1)..]), text[..equals]) : new TextEmbedding(Path.GetFullPath(text));
    }

    private static string Require(string path, string option, string problem, string advice) =>
        !string.IsNullOrWhiteSpace(path) ? path : throw new InvalidInputException(option, problem, advice);

    // A number after the last colon is a weight; a path may contain colons.
    private static Lora ReadLora(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon >= 0 && double.TryParse(text[(colon + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && double.IsFinite(weight)
            ? new Lora(Path.GetFullPath(Require(text[..colon], "--lora", $"\"{text}\" names no file.", "Write FILE:WEIGHT, or FILE alone.")), weight)
            : new Lora(Path.GetFullPath(text));
    }
}
