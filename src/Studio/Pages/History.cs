namespace PromptToPrompt.Studio.Pages;

/// <summary>States to go back and forth between.</summary>
/// <typeparam name="T">A state; equal states are one.</typeparam>
internal sealed class History<T>
    where T : IEquatable<T>
{
    private readonly Stack<T> past = new();
    private readonly Stack<T> future = new();

    public bool CanUndo => past.Count > 0;

    public bool CanRedo => future.Count > 0;

    /// <summary>Remembers a state that is about to change. Undone states are forgotten.</summary>
    public void Remember(T now)
    {
        future.Clear();
        if (!past.TryPeek(out var last) || !last.Equals(now))
            past.Push(now);
    }

    /// <summary>The state before this one.</summary>
    public T Undo(T now) => Move(past, future, now);

    /// <summary>The state after this one.</summary>
    public T Redo(T now) => Move(future, past, now);

    // A change that came to nothing left the state as it was: skip it.
    private static T Move(Stack<T> from, Stack<T> to, T now)
    {
        while (from.TryPop(out var state))
        {
            if (state.Equals(now))
                continue;
            to.Push(now);
            return state;
        }

        return now;
    }
}
