namespace PromptToPrompt.Studio.Engine;

/// <summary>Ownership of resources.</summary>
internal static class Ownership
{
    /// <summary>Runs work that takes ownership of a resource; disposes the resource if the work throws.</summary>
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
