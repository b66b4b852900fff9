namespace PromptToPrompt.Diffusion.Native;

/// <summary>A GPU as NVIDIA's driver describes it.</summary>
/// <param name="Index">The index, as in <c>cuda:1</c>.</param>
/// <param name="Name">The model name.</param>
/// <param name="Memory">The total memory in bytes.</param>
internal sealed record Gpu(int Index, string Name, long Memory)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"cuda:{Index} {Name}, {Memory / 1e9:F0} GB");
}
