using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Text;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Engine;

/// <summary>A model that the studio offers.</summary>
/// <param name="Name">Its name, here and on the command line.</param>
/// <param name="Load">Loads it.</param>
public sealed record OfferedModel(string Name, Func<StableDiffusionModel> Load)
{
    /// <summary>Other command-line options that affect its pictures: option names and values, not quoted.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The files and directories that it is loaded from. They stay when another model is removed.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>The LoRAs that it is loaded with. Their weights can be changed if there is <see cref="LoadWith"/>.</summary>
    public IReadOnlyList<Lora> Loras { get; init; } = [];

    /// <summary>The learned words that it is loaded with. One that was learned in the studio is left out if it is among them.</summary>
    public IReadOnlyList<TextEmbedding> Embeddings { get; init; } = [];

    /// <summary>Loads it with other weights of its LoRAs, and with additional words.</summary>
    public Func<IReadOnlyList<Lora>, IReadOnlyList<TextEmbedding>, StableDiffusionModel>? LoadWith { get; init; }

    /// <summary>Reads its tokenizer alone, with some LoRAs and additional words. Null if that is not possible: until the model is loaded, words are then checked when a picture is made.</summary>
    public Func<IReadOnlyList<Lora>, IReadOnlyList<TextEmbedding>, ClipTokenizer>? LoadTokenizer { get; init; }

    /// <summary>Throws <see cref="InvalidInputException"/> if a LoRA does not fit, without loading the model. Null if none can be added.</summary>
    public Action<Lora>? RequireFits { get; init; }

    /// <summary>The LoRAs whose weights can be changed.</summary>
    internal IReadOnlyList<Lora> VariableLoras => LoadWith is null ? [] : Loras;

    /// <summary>The words it was trained on; null if it does not list them.</summary>
    internal ModelWords? Words { get; init; }
}

/// <summary>The models of a device. At most one is in memory.</summary>
/// <param name="catalog">The models.</param>
/// <param name="arrived">Called after a model is loaded, with its <see cref="ModelCatalog.ContentsOf"/>.</param>
/// <param name="leaving">Called before a model is unloaded.</param>
internal sealed class ModelShelf(ModelCatalog catalog, Action<OfferedModel, string, StableDiffusionModel> arrived, Action leaving) : IDisposable
{
    private (string Name, string? Loras, IReadOnlyList<TextEmbedding> Words, StableDiffusionModel Model)? loaded;

    /// <summary>Name of the model in memory, or null. Thread-safe.</summary>
    public string? Loaded { get; private set; }

    /// <summary>Gets the model of a recipe and loads it if necessary.</summary>
    /// <exception cref="InvalidInputException">It is not offered, or cannot be loaded.</exception>
    public StableDiffusionModel Get(RootRecipe recipe)
    {
        var (name, loras) = (recipe.Model, recipe.Loras);
        var words = catalog.EmbeddingsOf(name);
        if (loaded is { } here && here.Name == name && here.Loras == loras && here.Words.SequenceEqual(words))
            return here.Model;
        var model = catalog.Find(name)
            ?? throw new InvalidInputException(
                "Model", $"The studio has no model \"{name}\".", $"Use {InvalidInputException.AnyOf([.. catalog.Names])}.");
        var (weighted, contents) = (catalog.LorasFor(recipe), catalog.ContentsOf(recipe));
        Dispose();
        loaded = (name, loras, words, loras is null && words.Count == 0 ? model.Load() : model.LoadWith!(weighted, words));
        Loaded = name;
        arrived(model, contents, loaded.Value.Model);
        return loaded.Value.Model;
    }

    /// <summary>Unloads a model that has other weights of its LoRAs than those that it is offered with.</summary>
    public void UnloadWeighted(string model)
    {
        if (loaded is { Loras: not null } here && here.Name == model)
            Dispose();
    }

    /// <summary>Unloads a model, if it is in memory.</summary>
    public void Unload(string model)
    {
        if (Loaded == model)
            Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (loaded is null)
            return;
        leaving();
        loaded.Value.Model.Dispose();
        (loaded, Loaded) = (null, null);
    }
}
