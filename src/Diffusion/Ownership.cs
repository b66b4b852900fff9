namespace PromptToPrompt.Diffusion;

/// <summary>Ownership of resources that are handed over.</summary>
internal static class Ownership
{
    /// <summary>Runs <paramref name="work"/>; disposes <paramref name="resource"/> if it throws.</summary>
    public static T DisposeOnFailure<T>(this IDisposable resource, Func<T> work)
    {
        try
        {
            return work();
        }
        catch
        {
            resource.Dispose();
            throw;
        }
    }
}
