using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Tests.Native;

public sealed class PatchedWrapperTests
{
    [Fact]
    public void AFileThatIsNotALibraryIsLeftAlone()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "no library");
            Assert.Null(PatchedWrapper.TryLoad(path, out _));
            Assert.Null(PatchedWrapper.TryLoad(path + ".missing", out _));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void ThePackagedLibraryLoadsPatchedAndIsCachedByItsContent()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux needs the patch");
        var original = NativeSearchPath.Find("LibTorchSharp")!;
        var before = File.ReadAllBytes(original);
        var wrapper = Assert.IsType<PatchedWrapper>(PatchedWrapper.TryLoad(original, out var problem));
        Assert.NotEqual(0, wrapper.Handle);
        Assert.Null(problem);
        Assert.NotEqual(original, wrapper.Path);
        Assert.Equal(before, File.ReadAllBytes(original));
    }
}
