using System.Runtime.CompilerServices;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Studio.Tests;

/// <summary>Loads libtorch before the first test, so that a test may use TorchSharp without touching the library first.</summary>
internal static class LibTorchSetup
{
    [ModuleInitializer]
    internal static void Load() => LibTorch.EnsureLoaded();
}
