using PromptToPrompt.Diffusion.Native;
using Xunit.Sdk;
using Xunit.v3;

namespace PromptToPrompt.Testing;

/// <summary>Loads libtorch before the tests of a project are discovered, so that a test may use TorchSharp without touching the library first.</summary>
public sealed class LibTorchSetup : ITestPipelineStartup
{
    public ValueTask StartAsync(IMessageSink diagnosticMessageSink)
    {
        LibTorch.EnsureLoaded();
        return ValueTask.CompletedTask;
    }

    public ValueTask StopAsync() => ValueTask.CompletedTask;
}
