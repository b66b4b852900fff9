using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Store;

/// <summary>A job that is not over, as it outlives the program.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Project">Id of the project it is for.</param>
/// <param name="Parent">Id of the version it is made from, or null.</param>
/// <param name="Recipe">What is to be made.</param>
/// <param name="Starts">How often it was begun; a program that was closed properly takes its last start back.</param>
internal sealed record StoredJob(string Id, string Project, string? Parent, Recipe Recipe, int Starts = 0);
