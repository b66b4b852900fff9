using PromptToPrompt.Editing.Attention;

namespace PromptToPrompt.Evaluation.Experiments;

/// <summary>One way to make each edit of an experiment.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Request">The request of an edit.</param>
internal sealed record Variation(string Name, Func<DrawnEdit, EditRequest> Request);
