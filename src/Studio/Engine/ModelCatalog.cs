using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Engine;

/// <summary>What is known of the offered models without running them: options, words, LoRAs. Thread-safe.</summary>
/// <param name="models">The models, at least one; the first is the default.</param>
/// <param name="added">The LoRAs that visitors added.</param>
/// <param name="words">The words that were learned here.</param>
/// <param name="log">Receives notes on models.</param>
internal sealed class ModelCatalog(IReadOnlyList<OfferedModel> models, AddedLoras added, AddedWords words, ILogger? log)
{
    // Replaced as a whole when a model is added.
    private volatile IReadOnlyList<OfferedModel> offered = [.. models.DistinctBy(model => model.Name)];

    // The tokenizer of each model that was loaded, or whose recipes were checked, as it was read last.
    private readonly ConcurrentDictionary<string, (string Contents, ClipTokenizer Tokenizer)> tokenizers = new(StringComparer.Ordinal);

    // The words of the files that models are offered with, normalized.
    private readonly ConcurrentDictionary<string, HashSet<string>> given = new(StringComparer.Ordinal);

    /// <summary>Raised when a model, a LoRA or a word was added or removed.</summary>
    public event Action? Changed;

    /// <summary>Names of the models, the default first.</summary>
    public IReadOnlyList<string> Names => [.. offered.Select(model => model.Name)];

    /// <summary>A model, or null if it is not offered.</summary>
    public OfferedModel? Find(string model) => offered.FirstOrDefault(other => other.Name == model);

    /// <summary>Offers another model, unless there is one of this name.</summary>
    public void Add(OfferedModel model)
    {
        lock (tokenizers)
        {
            if (Find(model.Name) is null)
                offered = [.. offered, model];
        }

        Changed?.Invoke();
    }

    /// <summary>No longer offers a model.</summary>
    public void Remove(string model)
    {
        lock (tokenizers)
            offered = [.. offered.Where(other => other.Name != model)];
        tokenizers.TryRemove(model, out _);
        given.TryRemove(model, out _);
        Changed?.Invoke();
    }

    /// <summary>The tokenizer of a recipe's model, which need not be loaded.</summary>
    /// <returns>Null if it cannot be read; loading the model then says why.</returns>
    public ClipTokenizer? TokenizerFor(RootRecipe recipe)
    {
        try
        {
            // Before the files are read, so that files which are replaced meanwhile are read again.
            var contents = ContentsOf(recipe);
            if (tokenizers.TryGetValue(recipe.Model, out var known) && known.Contents == contents)
                return known.Tokenizer;
            if (Find(recipe.Model) is not { LoadTokenizer: { } load })
                return null;
            var tokenizer = load(LorasFor(recipe), EmbeddingsOf(recipe.Model));
            tokenizers[recipe.Model] = (contents, tokenizer);
            return tokenizer;
        }
        catch (Exception e) when (e is InvalidInputException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// The command-line options that a model was offered with, its added LoRAs, and the words learned here that some prompts contain; empty if it is no longer offered.
    /// </summary>
    public IReadOnlyList<string> ArgumentsOf(string model, IReadOnlyList<string> prompts) => Find(model) is not { } found ? [] :
    [
        .. found.Arguments,
        .. CommandLineText.Additions(AddedTo(found), WordsAddedTo(found).Where(word => word.IsIn(prompts)).Select(word => word.Embedding)),
    ];

    /// <summary>The words that a model was trained on; null if it does not list them or is no longer offered.</summary>
    public ModelWords? WordsOf(string model) => Find(model)?.Words;

    /// <summary>The LoRAs of a model whose weights can be changed, with those that it is offered with. Added ones have the weight 0.</summary>
    public IReadOnlyList<Lora> LorasOf(string model) => Find(model) is { } found ? [.. found.VariableLoras, .. AddedTo(found)] : [];

    /// <summary>The LoRAs to load for the weights of a recipe. Added ones without a weight are not loaded.</summary>
    /// <exception cref="InvalidInputException">The weights name another LoRA.</exception>
    public IReadOnlyList<Lora> LorasFor(RootRecipe recipe) => [.. LoraWeights.Read(recipe.Loras, LorasOf(recipe.Model)).Where(lora => lora.Weight != 0 || !added.Has(lora))];

    /// <summary>Whether LoRAs can be added to a model.</summary>
    public bool TakesLoras(string model) => Find(model) is { LoadWith: not null, RequireFits: not null };

    /// <summary>Whether a LoRA was added by a visitor, and can be removed.</summary>
    public bool IsAdded(Lora lora) => added.Has(lora);

    /// <summary>Adds a LoRA to a model.</summary>
    /// <param name="model">Name of the model.</param>
    /// <param name="file">Name of the file.</param>
    /// <param name="body">The file.</param>
    /// <param name="cancellationToken">Stops the upload.</param>
    /// <returns>Its name.</returns>
    /// <exception cref="InvalidInputException">It does not fit the model, or its name or one of its words is taken.</exception>
    /// <exception cref="QueueFullException">Another one is arriving.</exception>
    public async Task<string> AddLora(string model, string file, Stream body, CancellationToken cancellationToken)
    {
        if (Find(model) is not { LoadWith: not null, RequireFits: { } requireFits } found)
            throw new InvalidInputException(nameof(RootRecipe.Model), $"No LoRA can be added to \"{model}\".", $"Use {InvalidInputException.AnyOf([.. Names.Where(TakesLoras)])}.");
        var name = AddedLoras.NameOf(file);
        // Also checked before the upload, which may take long.
        if (LorasOf(model).Any(lora => LoraWeights.Name(lora) == name))
            throw AddedLoras.Taken(name);
        await added.Add(model, name, body, RequireFits, cancellationToken);
        tokenizers.TryRemove(model, out _);
        Changed?.Invoke();
        return name;

        void RequireFits(Lora lora)
        {
            requireFits(lora);
            var defined = LearnedWords.DefinedBy([], [lora]);
            if (WordsAddedTo(found).FirstOrDefault(word => defined.Contains(word.Normal)) is { } same)
                throw new InvalidInputException($"It defines the word {same.Word}, which the model learned here. Forget that one first.");
        }
    }

    /// <summary>Removes an added LoRA.</summary>
    /// <returns>Whether there was one.</returns>
    public bool RemoveLora(string model, string name)
    {
        if (!added.Remove(model, name))
            return false;
        tokenizers.TryRemove(model, out _);
        Changed?.Invoke();
        return true;
    }

    /// <summary>The learned words of a model; until its tokenizer is read, only those that were learned here.</summary>
    public IReadOnlyList<string> LearnedWordsOf(string model) =>
        [.. (tokenizers.GetValueOrDefault(model).Tokenizer?.AddedWords ?? []).Where(word => !word.StartsWith("<|", StringComparison.Ordinal)).Union(AddedWordsOf(model))];

    /// <summary>The words of a model that were learned here.</summary>
    public IReadOnlyList<string> AddedWordsOf(string model) => Find(model) is { } found ? [.. WordsAddedTo(found).Select(word => word.Word)] : [];

    /// <summary>The words of a model that were learned here, to load.</summary>
    public IReadOnlyList<TextEmbedding> EmbeddingsOf(string model) => Find(model) is { } found ? [.. WordsAddedTo(found).Select(word => word.Embedding)] : [];

    /// <summary>Identifies the words learned here that some prompts contain; empty without any.</summary>
    public string WordKeyOf(string model, IEnumerable<string> prompts) =>
        Find(model) is { } found ? string.Concat(WordsAddedTo(found).Where(word => word.IsIn(prompts)).Select(word => $" {word.Word}={word.Hash}")) : "";

    /// <summary>Whether words can be learned for a model.</summary>
    public bool TakesWords(string model) => Find(model)?.LoadWith is not null;

    /// <summary>Requires that a word can be learned.</summary>
    /// <exception cref="InvalidInputException">The model has it already, or takes none.</exception>
    public void RequireNewWord(string model, string word)
    {
        if (Find(model) is not { LoadWith: not null } found)
            throw new InvalidInputException(nameof(RootRecipe.Model), $"\"{model}\" cannot learn words.", $"Use {InvalidInputException.AnyOf([.. Names.Where(TakesWords)])}.");
        AddedWords.RequireName(word);
        if (LearnedWordsOf(model).Contains(word, StringComparer.OrdinalIgnoreCase) || IsDefined())
            throw new InvalidInputException(nameof(LearnedRecipe.Word), $"The model already has the word {word}.", "Use another one.");

        // Also by a LoRA that is loaded only with a weight.
        bool IsDefined() => PromptText.Normalize(word) is var normal && (GivenWordsOf(found).Contains(normal) || DefinedBy([], AddedTo(found)).Contains(normal));
    }

    /// <summary>Adds a learned word to a model.</summary>
    public void AddWord(string model, WordVectors word)
    {
        words.Add(model, word);
        Changed?.Invoke();
    }

    /// <summary>Removes a word that was learned here.</summary>
    /// <returns>Whether there was one.</returns>
    public bool RemoveWord(string model, string word)
    {
        if (!words.Remove(model, word))
            return false;
        // It has the word.
        tokenizers.TryRemove(model, out _);
        Changed?.Invoke();
        return true;
    }

    /// <summary>The words of a prompt that a model does not read, because one chunk of tokens is full; empty until the model's tokenizer is read.</summary>
    public IReadOnlyList<string> CutWords(string model, string prompt) =>
        tokenizers.GetValueOrDefault(model).Tokenizer?.Tokenize(WeightedPrompt.Parse(prompt).Text).Truncated ?? [];

    /// <summary>Names the default model in a recipe that names none, and writes equal weights of LoRAs alike, so that they give one key.</summary>
    /// <exception cref="InvalidInputException">The weights name another LoRA, or are not numbers.</exception>
    public Recipe Complete(Recipe recipe)
    {
        if (recipe is not RootRecipe root)
            return recipe;
        if (root.Model.Length == 0)
            root = root with { Model = Names[0] };
        var loras = LorasOf(root.Model);
        return root.Loras is null ? root : root with { Loras = LoraWeights.Write(LoraWeights.Read(root.Loras, loras), loras) };
    }

    // Without those that the files define with which it is offered: no word can have two meanings.
    private IReadOnlyList<AddedWord> WordsAddedTo(OfferedModel model) =>
        model.LoadWith is not null && words.Of(model.Name) is { Count: > 0 } learned ? [.. learned.Where(word => !GivenWordsOf(model).Contains(word.Normal))] : [];

    // Without those whose names the LoRAs have with which it is offered.
    private IReadOnlyList<Lora> AddedTo(OfferedModel model) =>
        model.LoadWith is null ? [] : [.. added.Of(model.Name).Where(lora => model.Loras.All(other => LoraWeights.Name(other) != LoraWeights.Name(lora)))];

    private HashSet<string> GivenWordsOf(OfferedModel model) => given.GetOrAdd(model.Name, _ => DefinedBy(model.Embeddings, model.Loras));

    private static HashSet<string> DefinedBy(IReadOnlyList<TextEmbedding> embeddings, IReadOnlyList<Lora> loras)
    {
        try
        {
            return LearnedWords.DefinedBy(embeddings, loras);
        }
        catch (InvalidInputException)
        {
            // Loading says what is wrong with them.
            return [];
        }
    }

    /// <summary>Identifies the LoRAs and the words that a model reads for a recipe.</summary>
    /// <exception cref="InvalidInputException">The recipe names a LoRA that the model does not have.</exception>
    public string ContentsOf(RootRecipe recipe)
    {
        var learned = Find(recipe.Model) is { } found ? WordsAddedTo(found) : [];
        return string.Join('\n', [.. LorasFor(recipe).Select(lora => $"{lora.Path} {VersionOf(lora.Path)}"), .. learned.Select(word => $"{word.Path} {word.Hash}")]);

        // LoRAs are too large to hash for each recipe.
        static string? VersionOf(string path) => new FileInfo(path) is { Exists: true } file ? $"{file.Length} {file.LastWriteTimeUtc.Ticks}" : null;
    }

    /// <summary>Keeps the tokenizer of a loaded model, and logs its notes.</summary>
    /// <param name="model">The model.</param>
    /// <param name="contents">Its <see cref="ContentsOf"/>.</param>
    /// <param name="loaded">The loaded model.</param>
    public void OnLoaded(OfferedModel model, string contents, StableDiffusionModel loaded)
    {
        tokenizers[model.Name] = (contents, loaded.Tokenizer);
        IEnumerable<string> notes = loaded.SchedulerConfig.Substitution is { } scheduler ? [.. loaded.Notes, scheduler] : loaded.Notes;
        foreach (var note in notes)
            log?.LogWarning("{Model}: {Note}", model.Name, note);
    }
}
