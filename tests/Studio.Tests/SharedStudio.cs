using PromptToPrompt.Studio.Tests;

[assembly: AssemblyFixture(typeof(SharedStudio))]

namespace PromptToPrompt.Studio.Tests;

/// <summary>A studio for all tests that leave nothing behind which another could see. Each start takes about a second.</summary>
public sealed class SharedStudio : IAsyncLifetime
{
    private TestStudio? studio;

    internal TestStudio Studio => studio!;

    public async ValueTask InitializeAsync() => studio = await TestStudio.Start();

    public ValueTask DisposeAsync() => studio!.DisposeAsync();
}
