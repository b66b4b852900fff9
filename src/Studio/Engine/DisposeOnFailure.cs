namespace PromptToPrompt.Studio.Engine;

/// <summary>Who lets go of what.</summary>
internal static class Ownership
{
    /// <summary>Does some work with a thing that nobody has taken over yet; where the work fails nobody will, so it is let go of.</summary>
    public static T DisposeOnFailure<T>(this IDisposable thing, Func<T> work)
    {
        try
        {
            return work();
        }
        catch
        {
            thing.Dispose();
            throw;
        }
    }
}
