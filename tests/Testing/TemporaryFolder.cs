namespace PromptToPrompt.Testing;

/// <summary>A folder for one test, deleted at its end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-tests-");

    public string Path => folder.FullName;

    /// <summary>The names of its files, sorted.</summary>
    public string[] Files => [.. folder.GetFiles().Select(file => file.Name).Order()];

    /// <summary>The path of a file or folder in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => folder.Delete(recursive: true);
}
