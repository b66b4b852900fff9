namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

/// <summary>A small model directory of each form, made once for all tests of a class; they are read only.</summary>
public sealed class SmallModels : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Lazy<string> plain;
    private readonly Lazy<string> xl;

    public SmallModels()
    {
        plain = new(() => SmallModel.Write(folder["plain"]));
        xl = new(() => SmallModel.Write(folder["xl"], SmallModel.XlShape));
    }

    public string Plain => plain.Value;

    public string Xl => xl.Value;

    public void Dispose() => folder.Dispose();
}
