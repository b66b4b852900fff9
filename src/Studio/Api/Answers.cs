using System.Text.Json.Serialization;
using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Api;

/// <summary>Models and limits of the studio.</summary>
/// <param name="Models">Names of the models, the default first.</param>
/// <param name="Schedulers">Names of the schedulers.</param>
/// <param name="Methods">Names of the inversion methods.</param>
/// <param name="MaxUploadBytes">Maximum size of an uploaded file in bytes.</param>
/// <param name="MaxUploadPixels">Maximum size of an uploaded picture in pixels.</param>
/// <param name="QueueLength">Maximum number of waiting jobs.</param>
/// <param name="Waiting">Number of waiting jobs.</param>
internal sealed record StudioAnswer(
    IReadOnlyList<string> Models, IReadOnlyList<string> Schedulers, IReadOnlyList<string> Methods, long MaxUploadBytes, long MaxUploadPixels, int QueueLength, int Waiting);

/// <summary>Request with a project's name.</summary>
/// <param name="Name">The name.</param>
internal sealed record ProjectBody([property: JsonRequired] string Name);

/// <summary>Request with a job's place.</summary>
/// <param name="Place">Its place among the waiting jobs of its project, from 0.</param>
internal sealed record PlaceBody([property: JsonRequired] int Place);

/// <summary>Request with a model to fetch.</summary>
/// <param name="Model">OWNER/NAME or OWNER/NAME@REVISION.</param>
/// <param name="Variant">The variant of the weights, such as <c>fp16</c>; null for the default.</param>
internal sealed record FetchBody([property: JsonRequired] string Model, string? Variant = null);

/// <summary>A removed model.</summary>
/// <param name="Model">Its name.</param>
/// <param name="Freed">The freed bytes.</param>
internal sealed record RemovedAnswer(string Model, long Freed);

/// <summary>Request with a word to learn.</summary>
/// <param name="Word">The new word.</param>
/// <param name="Initial">A word of the model to begin from.</param>
/// <param name="Pictures">Names of uploaded pictures.</param>
/// <param name="Model">Name of the model; empty for the default.</param>
/// <param name="Steps">Optimizer steps.</param>
/// <param name="ClipSkip">Number of final text-encoder layers to skip.</param>
internal sealed record WordBody(
    [property: JsonRequired] string Word, [property: JsonRequired] string Initial, [property: JsonRequired] IReadOnlyList<string> Pictures, string Model = "", int Steps = LearnedRecipe.DefaultSteps, int ClipSkip = 0)
{
    /// <summary>The recipe.</summary>
    [JsonIgnore]
    public LearnedRecipe Recipe => new() { Prompt = Word, Word = Word, Initial = Initial, Pictures = Pictures, Model = Model, Steps = Steps, ClipSkip = ClipSkip };
}

/// <summary>A model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Loras">Its LoRAs with the weights that it has without others in a request.</param>
/// <param name="Words">Its learned words; none until it is loaded.</param>
/// <param name="Fetched">Whether it was fetched here, and can be removed.</param>
/// <param name="Variant">The variant of its weights, if it was fetched; null for the default.</param>
internal sealed record ModelAnswer(string Name, IReadOnlyList<LoraAnswer> Loras, IReadOnlyList<string> Words, bool Fetched, string? Variant)
{
    public static ModelAnswer Of(ModelCatalog catalog, ModelFetcher fetcher, string name) => new(
        name, [.. catalog.LorasOf(name).Select(lora => new LoraAnswer(LoraWeights.Name(lora), lora.Weight))], catalog.LearnedWordsOf(name),
        fetcher.Fetched(name) is not null, fetcher.Fetched(name)?.Variant);
}

/// <summary>A LoRA of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Weight">Its weight without another one in a request.</param>
internal sealed record LoraAnswer(string Name, double Weight);

/// <summary>A download of a model.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="Variant">The variant of the weights; null for the default.</param>
/// <param name="Progress">Its progress.</param>
internal sealed record FetchAnswer(string Id, string Model, string? Variant, FetchProgress Progress)
{
    public static FetchAnswer Of(ModelFetch fetch) => new(fetch.Id, fetch.Name, fetch.Variant, fetch.Progress);
}

/// <summary>A project and its tree.</summary>
internal sealed record ProjectAnswer(Project Project, IReadOnlyList<PictureVersion> Versions);

/// <summary>An uploaded picture.</summary>
/// <param name="Picture">Its store name.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Settings">The settings in the file; null for none.</param>
internal sealed record PictureAnswer(string Picture, int Width, int Height, FoundSettings? Settings = null);

/// <summary>A job.</summary>
/// <param name="Id">The job's id.</param>
/// <param name="Project">Its project.</param>
/// <param name="Recipe">Its recipe.</param>
/// <param name="Progress">Its progress.</param>
/// <param name="Events">Address of its progress as server-sent events.</param>
/// <param name="Notes">Notes on other programs' notation in its prompts.</param>
internal sealed record JobAnswer(string Id, string Project, Recipe Recipe, JobProgress Progress, string Events, IReadOnlyList<string> Notes)
{
    public static JobAnswer Of(Job job) => new(
        job.Id, job.Project, job.Recipe, job.Progress, $"/api/jobs/{job.Id}/events", [.. job.Recipe.Texts.SelectMany(ForeignNotation.Find).Select(found => found.Message)]);
}
