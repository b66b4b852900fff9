using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

// Making a picture again from the settings in its file.
public sealed partial class Workspace
{
    private IReadOnlyList<EditedRecipe> toRestore = [];

    /// <summary>Whether edits follow the picture that is being made.</summary>
    public bool IsRestoring => Job is not null && toRestore.Count > 0;

    /// <summary>Makes a picture again: its source, then its edits.</summary>
    public void Restore(FoundSettings found)
    {
        if (found.Source is not { } source)
            return;
        history.Remember(Now);
        Submit(null, source, then: found.Edits);
    }

    // Whether another edit follows the picture.
    private bool RestoreNext(PictureVersion made)
    {
        if (toRestore.Count == 0)
            return false;
        var (edit, rest) = (toRestore[0], toRestore.Skip(1));
        Adopt(made);
        Submit(made.Id, edit with { Source = made.Id }, then: [.. rest]);
        return true;
    }
}
