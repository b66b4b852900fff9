using PromptToPrompt.Editing.Prompts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Api;

/// <summary>What the studio offers.</summary>
/// <param name="Models">Names of the models, the usual one first.</param>
/// <param name="Schedulers">Names of the samplers.</param>
/// <param name="Methods">Ways of inverting.</param>
/// <param name="MaxUploadBytes">Longest picture file that is taken.</param>
/// <param name="MaxUploadPixels">Largest picture that is taken.</param>
/// <param name="QueueLength">How many jobs may wait.</param>
/// <param name="Waiting">How many do.</param>
internal sealed record StudioAnswer(
    IReadOnlyList<string> Models, IReadOnlyList<string> Schedulers, IReadOnlyList<string> Methods, long MaxUploadBytes, long MaxUploadPixels, int QueueLength, int Waiting);

/// <summary>A name to give a project.</summary>
/// <param name="Name">The name.</param>
internal sealed record ProjectBody(string Name);

/// <summary>A project and its tree.</summary>
internal sealed record ProjectAnswer(Project Project, IReadOnlyList<PictureVersion> Versions);

/// <summary>A picture that was sent.</summary>
/// <param name="Picture">The name it is stored under.</param>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
internal sealed record PictureAnswer(string Picture, int Width, int Height);

/// <summary>A picture that is being made.</summary>
/// <param name="Id">The job's id.</param>
/// <param name="Project">The project it is for.</param>
/// <param name="Recipe">What is being made.</param>
/// <param name="Progress">Where it is.</param>
/// <param name="Events">Where its progress can be followed, as server-sent events.</param>
/// <param name="Notes">What in its prompts other programs would take for notation, a sentence each.</param>
internal sealed record JobAnswer(string Id, string Project, Recipe Recipe, JobProgress Progress, string Events, IReadOnlyList<string> Notes)
{
    public static JobAnswer Of(Job job) => new(
        job.Id, job.Project, job.Recipe, job.Progress, $"/api/jobs/{job.Id}/events", [.. job.Recipe.Texts.SelectMany(ForeignNotation.Find).Select(found => found.Message)]);
}
