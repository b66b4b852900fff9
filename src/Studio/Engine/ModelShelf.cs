using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Studio.Engine;

/// <summary>A model that the studio offers.</summary>
/// <param name="Name">Its name, here and on the command line.</param>
/// <param name="Load">Loads it.</param>
public sealed record OfferedModel(string Name, Func<StableDiffusionModel> Load)
{
    /// <summary>Other command-line options that affect its pictures: option names and values, not quoted.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The words it was trained on; null if it does not list them.</summary>
    internal ModelWords? Words { get; init; }
}

/// <summary>The models of a device. At most one is in memory.</summary>
/// <param name="offered">The models.</param>
/// <param name="arrived">Called after a model is loaded.</param>
/// <param name="leaving">Called before a model is unloaded.</param>
internal sealed class ModelShelf(IReadOnlyList<OfferedModel> offered, Action<OfferedModel, StableDiffusionModel> arrived, Action leaving) : IDisposable
{
    private (string Name, StableDiffusionModel Model)? loaded;

    /// <summary>Name of the model in memory, or null. Thread-safe.</summary>
    public string? Loaded { get; private set; }

    /// <summary>Gets a model by name and loads it if necessary.</summary>
    /// <exception cref="InvalidInputException">It is not offered, or cannot be loaded.</exception>
    public StableDiffusionModel Get(string name)
    {
        if (loaded is { } here && here.Name == name)
            return here.Model;
        var model = offered.FirstOrDefault(model => model.Name == name)
            ?? throw new InvalidInputException(
                "Model", $"The studio has no model \"{name}\".", $"Use {InvalidInputException.AnyOf([.. offered.Select(model => model.Name)])}.");
        Dispose();
        loaded = (name, model.Load());
        Loaded = name;
        arrived(model, loaded.Value.Model);
        return loaded.Value.Model;
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
