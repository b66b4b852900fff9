using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>An unfinished job as stored on disk.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Project">Id of its project.</param>
/// <param name="Parent">Id of the version it is made from, or null.</param>
/// <param name="Recipe">Its recipe.</param>
/// <param name="Starts">How often it was started. A clean shutdown does not count.</param>
internal sealed record StoredJob(string Id, string Project, string? Parent, Recipe Recipe, int Starts = 0);
