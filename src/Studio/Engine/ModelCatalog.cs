using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Engine;

/// <summary>What is known of the offered models without running them: options, words, LoRAs. Thread-safe.</summary>
/// <param name="models">The models, at least one; the first is the default.</param>
/// <param name="log">Receives notes on models.</param>
internal sealed class ModelCatalog(IReadOnlyList<OfferedModel> models, ILogger? log)
{
    // Replaced as a whole when a model is added.
    private volatile IReadOnlyList<OfferedModel> offered = [.. models.DistinctBy(model => model.Name)];

    // Of the models that were loaded; words can only be counted with them.
    private readonly ConcurrentDictionary<string, ClipTokenizer> tokenizers = new(StringComparer.Ordinal);

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
    }

    /// <summary>The command-line options that a model was offered with; empty if it is no longer offered.</summary>
    public IReadOnlyList<string> ArgumentsOf(string model) => Find(model)?.Arguments ?? [];

    /// <summary>The words that a model was trained on; null if it does not list them or is no longer offered.</summary>
    public ModelWords? WordsOf(string model) => Find(model)?.Words;

    /// <summary>The LoRAs of a model whose weights can be changed, with those that it is offered with.</summary>
    public IReadOnlyList<Lora> LorasOf(string model) => Find(model)?.VariableLoras ?? [];

    /// <summary>The learned words of a model; none until it is loaded.</summary>
    public IReadOnlyList<string> LearnedWordsOf(string model) =>
        [.. (tokenizers.GetValueOrDefault(model)?.AddedWords ?? []).Where(word => !word.StartsWith("<|", StringComparison.Ordinal))];

    /// <summary>The words of a prompt that a model does not read, because one chunk of tokens is full; empty until the model is loaded.</summary>
    public IReadOnlyList<string> CutWords(string model, string prompt) =>
        tokenizers.GetValueOrDefault(model)?.Tokenize(WeightedPrompt.Parse(prompt).Text).Truncated ?? [];

    /// <summary>Names the default model in a recipe that names none, and writes equal weights of LoRAs alike, so that they give one key.</summary>
    /// <exception cref="Diffusion.InvalidInputException">The weights name another LoRA, or are not numbers.</exception>
    public Recipe Complete(Recipe recipe)
    {
        if (recipe is not RootRecipe root)
            return recipe;
        if (root.Model.Length == 0)
            root = root with { Model = Names[0] };
        var loras = LorasOf(root.Model);
        return root.Loras is null ? root : root with { Loras = LoraWeights.Write(LoraWeights.Read(root.Loras, loras), loras) };
    }

    /// <summary>Keeps the tokenizer of a loaded model, and logs its notes.</summary>
    public void OnLoaded(OfferedModel model, StableDiffusionModel loaded)
    {
        tokenizers[model.Name] = loaded.Tokenizer;
        IEnumerable<string> notes = loaded.SchedulerConfig.Substitution is { } scheduler ? [.. loaded.Notes, scheduler] : loaded.Notes;
        foreach (var note in notes)
            log?.LogWarning("{Model}: {Note}", model.Name, note);
    }
}
