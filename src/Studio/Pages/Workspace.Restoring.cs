using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

// Making a picture again from the settings in its file.
public sealed partial class Workspace
{
    // The edits that follow the running job; null if it restores nothing.
    private IReadOnlyList<EditedRecipe>? toRestore;

    /// <summary>Whether a picture is being restored. A new project's page stays until its last edit is made: a page that opens meanwhile would show the source.</summary>
    public bool IsRestoring => toRestore is not null;

    /// <summary>Makes a picture again: its source, then its edits.</summary>
    public void Restore(FoundSettings found)
    {
        if (found.Source is not { } source)
            return;
        Remember(Now);
        Submit(null, source, then: found.Edits);
    }

    // Whether another edit follows the picture.
    private bool RestoreNext(PictureVersion made)
    {
        if (toRestore is not { Count: > 0 })
            return false;
        var (edit, rest) = (toRestore[0], toRestore.Skip(1));
        Adopt(made);
        Submit(made.Id, edit with { Source = made.Id }, then: [.. rest]);
        return true;
    }
}
