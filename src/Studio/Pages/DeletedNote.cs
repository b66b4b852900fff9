using MudBlazor;

namespace PromptToPrompt.Studio.Pages;

/// <summary>Says that something was deleted, and offers to bring it back.</summary>
internal static class DeletedNote
{
    private const int Milliseconds = 8000;

    /// <summary>Shows the note for some seconds.</summary>
    /// <param name="notes">The notes of the page.</param>
    /// <param name="text">What was deleted.</param>
    /// <param name="bringBack">Brings it back.</param>
    public static void Deleted(this ISnackbar notes, string text, Action bringBack) => notes.Add(text, Severity.Normal, note =>
    {
        (note.Action, note.VisibleStateDuration) = ("Undo", Milliseconds);
        note.OnClick = _ =>
        {
            bringBack();
            return Task.CompletedTask;
        };
    });
}
