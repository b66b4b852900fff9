using PromptToPrompt.Studio.Grids;

namespace PromptToPrompt.Studio.Store;

/// <summary>A grid of a project.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Project">Id of its project.</param>
/// <param name="Plan">The grid.</param>
public sealed record StoredGrid(string Id, string Project, GridPlan Plan);
