using System.Collections.Immutable;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Recipes;

namespace PromptToPrompt.Studio.Pages;

/// <summary>The state that undo restores.</summary>
/// <param name="Source">Id of the source; null without one.</param>
/// <param name="Draft">The draft of its edit.</param>
/// <param name="Deleted">Ids of the versions that were deleted on this page.</param>
internal sealed record Moment(string? Source, Draft Draft, ImmutableHashSet<string> Deleted)
{
    /// <summary>Whether both ask for the same edit of the same source and have deleted the same.</summary>
    public bool Equals(Moment? other) => other is not null && Source == other.Source && Deleted.SetEquals(other.Deleted)
        && StudioJson.Write(Draft.Recipe("")) == StudioJson.Write(other.Draft.Recipe(""));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Source, Draft.Prompt, Deleted.Count);
}
