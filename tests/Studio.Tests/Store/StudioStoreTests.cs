using Microsoft.Data.Sqlite;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Recipes;
using PromptToPrompt.Studio.Store;

namespace PromptToPrompt.Studio.Tests.Store;

public sealed class StudioStoreTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("p2p-studio-").FullName;

    private string File => Path.Combine(folder, "studio.db");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void TheSpaceOfWhatWasRemovedIsGivenBack()
    {
        string project;
        using (var full = Open())
        {
            project = full.CreateProject("A test").Id;
            var random = new Random(1);
            for (var k = 0; k < 20; k++)
            {
                var rgb = new byte[100 * 100 * 3];
                random.NextBytes(rgb);
                full.AddVersion(project, null, new DrawnRecipe { Prompt = "a house", Seed = (ulong)k }, $"key{k}", full.Pictures.Add(new Image(100, 100, rgb)), new VersionFacts(), null);
            }
        }

        var size = new FileInfo(File).Length;
        using var store = Open();
        store.RemoveProject(project);
        Assert.True(new FileInfo(File).Length < size / 4, $"{new FileInfo(File).Length} of {size} bytes are left");
    }

    [Fact]
    public void AStoreOfAnEarlierVersionIsTakenOver()
    {
        const string Recipe = """{"type":"drawn","model":"storybook","negative":"","seed":4,"steps":3,"guidance":5,"scheduler":"ddim","prompt":"a house"}""";
        using (var old = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            old.Open();
            using var command = old.CreateCommand();
            command.CommandText = $$"""
                PRAGMA journal_mode = WAL;
                CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL);
                CREATE TABLE pictures (name TEXT PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL, png BLOB NOT NULL);
                CREATE TABLE versions (
                    id TEXT PRIMARY KEY, project TEXT NOT NULL REFERENCES projects(id), parent TEXT, number INTEGER NOT NULL, recipe TEXT NOT NULL,
                    key TEXT NOT NULL, picture TEXT NOT NULL, facts TEXT NOT NULL, maps BLOB, created TEXT NOT NULL, UNIQUE (project, number));
                INSERT INTO projects VALUES ('p', 'Old', '2026-01-01T00:00:00.0000000+00:00');
                INSERT INTO pictures VALUES ('used', 1, 1, x'00'), ('left', 1, 1, x'00');
                INSERT INTO versions VALUES ('v', 'p', NULL, 1, '{{Recipe}}', 'k', 'used',
                    '{"seconds":1,"width":128,"height":128,"ownWidth":200,"mask":null,"psnr":null,"psnrOfAutoencoder":null,"losses":[]}', NULL, '2026-01-01T00:00:00.0000000+00:00');
                """;
            command.ExecuteNonQuery();
        }

        using var store = Open();
        var version = store.Versions("p").Single();
        Assert.Equal(Recipe, StudioJson.Write(version.Recipe));
        Assert.Null(version.Facts.Output);
        Assert.True(store.Pictures.Has("used"));
        Assert.False(store.Pictures.Has("left"));
    }

    [Fact]
    public void AFolderIsOneStudios()
    {
        using var store = Open();
        Assert.Contains("Another studio", Assert.Throws<InvalidInputException>(Open).Message, StringComparison.Ordinal);
    }

    private StudioStore Open() => new(folder, TimeProvider.System);
}
