namespace PromptToPrompt.Testing;

/// <summary>
/// Outputs of the published implementations on small random-weight models, and CLIP's vocabulary. They are not part of the repository: tests look for the
/// folder that P2P_REFERENCE names, or else for <c>shared/reference</c> in a folder above.
/// </summary>
public static class ReferenceFolder
{
    private static readonly string? Root = Environment.GetEnvironmentVariable("P2P_REFERENCE") is { Length: > 0 } named
        ? named
        : Repository.Above(Path.Combine("shared", "reference"));

    /// <summary>A file or folder of the reference. Without it the test is skipped.</summary>
    public static string Require(params string[] parts)
    {
        var path = Root is null ? null : Path.Combine([Root, .. parts]);
        Assert.SkipUnless(Path.Exists(path), $"The reference {Path.Combine(parts)} is not here: set P2P_REFERENCE to its folder.");
        return path!;
    }
}
