using PromptToPrompt.Diffusion.Checkpoints;

namespace PromptToPrompt.Diffusion.Tests.Checkpoints;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void The_file_is_replaced_as_a_whole()
    {
        File.WriteAllText(folder["a"], "a much longer old content");
        AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write("new"u8);
            Assert.Equal("a much longer old content", File.ReadAllText(folder["a"]));
        });
        Assert.Equal("new", File.ReadAllText(folder["a"]));
        Assert.Equal(["a"], folder.Files);
    }

    [Fact]
    public void A_failure_leaves_the_old_file_and_nothing_else()
    {
        File.WriteAllText(folder["a"], "old");
        Assert.Throws<OperationCanceledException>(() => AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write("half"u8);
            throw new OperationCanceledException();
        }));
        Assert.Equal("old", File.ReadAllText(folder["a"]));
        Assert.Equal(["a"], folder.Files);
    }

    [Fact]
    public void A_path_that_cannot_be_written_is_the_callers_mistake()
    {
        var missing = Assert.Throws<InvalidInputException>(() => AtomicFile.Write(folder["no/such/a"], _ => { }));
        Assert.Contains(folder["no/such/a"], missing.Message);
        Assert.Throws<InvalidInputException>(() => AtomicFile.Write(folder["."], _ => { }));
    }

    public void Dispose() => folder.Dispose();
}
