namespace PromptToPrompt.Diffusion.Tests.Checkpoints;

/// <summary>A folder for one test, deleted at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("p2p-test-");

    public string this[string name] => Path.Combine(directory.FullName, name);

    public string[] Files => [.. directory.GetFiles().Select(file => file.Name).Order()];

    public void Dispose() => directory.Delete(recursive: true);
}
