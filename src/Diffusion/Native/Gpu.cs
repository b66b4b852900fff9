namespace PromptToPrompt.Diffusion.Native;

/// <summary>A GPU as NVIDIA's driver describes it.</summary>
/// <param name="Index">Its number, as in <c>cuda:1</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Memory">Its memory in bytes.</param>
internal sealed record Gpu(int Index, string Name, long Memory)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"cuda:{Index} {Name}, {Memory / 1e9:F0} GB");
}
