using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Studio.Engine;

/// <summary>A model that the studio offers.</summary>
/// <param name="Name">What it is called, here and on the command line.</param>
/// <param name="Load">Loads it.</param>
public sealed record OfferedModel(string Name, Func<StableDiffusionModel> Load)
{
    /// <summary>What else of the command line decides its pictures: names of options and values, not quoted.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The words that it was trained on; null for a model that does not list them.</summary>
    internal ModelWords? Words { get; init; }
}

/// <summary>The models of a device. One is in memory at a time.</summary>
/// <param name="offered">The models.</param>
/// <param name="arrived">Called with a model that was loaded.</param>
/// <param name="leaving">Called before a model leaves the memory.</param>
internal sealed class ModelShelf(IReadOnlyList<OfferedModel> offered, Action<OfferedModel, StableDiffusionModel> arrived, Action leaving) : IDisposable
{
    private (string Name, StableDiffusionModel Model)? loaded;

    /// <summary>Name of the model in memory, or null. Safe to read from any thread.</summary>
    public string? Loaded { get; private set; }

    /// <summary>The model of a name, loaded where it is not in memory.</summary>
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
