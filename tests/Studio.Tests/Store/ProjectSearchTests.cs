using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Store;

public sealed class ProjectSearchTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly StudioStore store;

    public ProjectSearchTests() => store = new(folder.Path, TimeProvider.System);

    public void Dispose()
    {
        store.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void NamesAndPromptsContainAllWords()
    {
        Add("Holiday 100%", "a red boat on a lake");
        Add("Houses", "a white house");
        var trashed = Add("Cars", "a blue car");
        store.Trash(trashed.Project, [trashed.Id]);
        Assert.Equal(["Holiday 100%"], Find("holi RED boat"));
        Assert.Equal(["Holiday 100%"], Find("100%"));
        Assert.Equal(["Houses"], Find(" white\thouses "));
        Assert.Empty(Find("white boat"));
        Assert.Empty(Find("blue"));
        Assert.Empty(Find("_"));
        Assert.Empty(Find("a' OR 1=1 --"));
        Assert.Equal(3, Find("").Count());
    }

    private IEnumerable<string> Find(string text) => store.Projects(text).Select(project => project.Name);

    private PictureVersion Add(string name, string prompt) =>
        store.AddVersion(store.CreateProject(name).Id, null, new DrawnRecipe { Prompt = prompt }, "key", "picture", new VersionFacts(), null);
}
