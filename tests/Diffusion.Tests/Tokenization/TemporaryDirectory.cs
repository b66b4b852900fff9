namespace PromptToPrompt.Diffusion.Tests.Tokenization;

/// <summary>A directory that is deleted with its files at the end of a test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string FullName { get; } = Directory.CreateTempSubdirectory("p2p-tokenizer-").FullName;

    public void Dispose() => Directory.Delete(FullName, recursive: true);
}
