using System.Collections.Immutable;
using PromptToPrompt.Studio.Drafts;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Pages;

// Going back and forth; names, favorites and deleting.
public sealed partial class Workspace
{
    private readonly History<Moment> history = new();
    private ImmutableHashSet<string> deleted = [];

    public bool CanUndo => Project is not null && history.CanUndo;

    public bool CanRedo => Project is not null && history.CanRedo;

    // The gesture that made the last change.
    private object? lastGesture;

    private Moment Now => new(Source?.Id, Draft, deleted);

    /// <summary>Goes back to the words, windows, masks and pictures before the last change.</summary>
    public void Undo()
    {
        if (CanUndo)
            Return(history.Undo(Now));
        lastGesture = null;
    }

    /// <summary>Makes the last undone change again.</summary>
    public void Redo()
    {
        if (CanRedo)
            Return(history.Redo(Now));
        lastGesture = null;
    }

    /// <summary>Names a version; an empty text takes its name away.</summary>
    public void Name(PictureVersion version, string name) => Mark(version, name.Trim() is { Length: > 0 } text ? text : null, version.IsFavorite);

    /// <summary>Makes a version a favorite, or an ordinary one again.</summary>
    public void Favor(PictureVersion version) => Mark(version, version.Name, !version.IsFavorite);

    /// <summary>Number of descendants of a version. They are deleted with it.</summary>
    public int CountMadeFrom(PictureVersion version) => store.WithDescendants(version.Id).Intersect(versions.Select(other => other.Id)).Count() - 1;

    /// <summary>Deletes a version with its descendants. Undo brings them back while the page is open.</summary>
    /// <returns>Whether it could be deleted.</returns>
    public bool Delete(PictureVersion version)
    {
        var before = Now;
        if (!Try(() => deleted = deleted.Union(engine.TrashVersion(version.Id))))
            return false;
        Remember(before);
        Refresh();
        return true;
    }

    /// <summary>Brings a deleted version back, with its descendants.</summary>
    public void BringBack(PictureVersion version)
    {
        Remember(Now);
        var back = store.WithDescendants(version.Id).Where(deleted.Contains).ToList();
        if (!Try(() => deleted = deleted.Except(engine.RestoreVersions(version.Project, back))))
            return;
        versions = [.. store.Versions(version.Project)];
        if (StillThere(version) is { } here)
            Display(here);
    }

    /// <summary>Brings a removed grid back.</summary>
    internal void BringBack(StoredGrid grid, GridMaker grids) => Try(() => grids.BringBack(grid));

    /// <summary>Deletes the project.</summary>
    /// <returns>The next address to open; null if it could not be deleted.</returns>
    public string? DeleteProject()
    {
        if (!Try(() => engine.DeleteProject(Project!.Id)))
            return null;
        return store.Projects() is [var next, ..] ? $"/open/{next.Id}" : "/new";
    }

    public void Rename(string name)
    {
        if (Project is not null && name.Trim().Length > 0 && Try(() => store.RenameProject(Project.Id, name.Trim())))
            Refresh();
    }

    // Changes of one gesture are undone together.
    private void Remember(Moment moment, object? gesture = null)
    {
        if (gesture is null || gesture != lastGesture)
            history.Remember(moment);
        lastGesture = gesture;
    }

    private void Return(Moment moment)
    {
        // Even if its picture is finished already, it is not shown.
        Job?.Cancel();
        (Job, Progress, next, toRestore) = (null, null, null, null);
        if (!Try(() => RestoreAndTrash(moment.Deleted)))
            return;
        versions = [.. store.Versions(Project!.Id)];
        if (versions.Find(version => version.Id == moment.Source) is not { } source)
        {
            Begin();
        }
        else if (FindEdit(source, moment.Draft) is { } edit)
        {
            Draft = moment.Draft;
            (Source, Edit, Other, Problem, unfinished) = (source, edit, null, null, null);
            Settings = PictureSettings.Of(Root, Settings);
        }
        else
        {
            Adopt(source);
            Draft = moment.Draft;
            Make();
        }

        Changed?.Invoke();
    }

    private void RestoreAndTrash(ImmutableHashSet<string> wanted)
    {
        var kept = deleted.Except(engine.RestoreVersions(Project!.Id, deleted.Except(wanted)));
        deleted = wanted.Except(deleted).Aggregate(kept.Union(wanted), (all, id) => all.Union(engine.TrashVersion(id)));
    }

    private PictureVersion? FindEdit(PictureVersion source, Draft draft) =>
        draft.IsUnchanged ? null : versions.Find(version => version.Recipe is EditedRecipe edited && StudioJson.Write<Recipe>(edited) == StudioJson.Write<Recipe>(draft.Recipe(source.Id)));

    private void Mark(PictureVersion version, string? name, bool isFavorite)
    {
        if (Try(() => store.Mark(version, name, isFavorite)))
            Refresh();
    }

    private PictureVersion? StillThere(PictureVersion? version) => versions.Find(other => other.Id == version?.Id);
}
